import pytest
from overton.recovery import summarize as module
from overton.recovery.settings import DemoSettings
from overton.recovery.summarize import make_demos
from tenpapers.generation import Completion, Generator


class Opened:
    """A backend that says the same to everybody, and is closed once."""

    family, identity = "hf", "1"

    def __init__(self, name):
        self.model, self.closed = name, 0

    def stream(self, requests, keep):
        for request in requests:
            done = Completion(id=request.id, text=f"by {self.model}", finish_reason="stop")
            keep(done)
            yield done

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("judge", [None, "teacher", "writer"])
def test_every_model_is_opened_and_closed_once(judge, tmp_path, monkeypatch):
    """A teacher that summarises its own answers is one model."""
    opened = []

    def open_generator(spec, **_):
        opened.append(Opened(spec))
        return Generator(opened[-1])

    monkeypatch.setattr(module, "open_generator", open_generator)
    settings = DemoSettings(teacher="teacher", judge=judge, cache=False)
    demos = make_demos(settings, tmp_path / "demos.jsonl")
    names = ["teacher", "writer"] if judge == "writer" else ["teacher"]
    assert [(one.model, one.closed) for one in opened] == [(name, 1) for name in names]
    assert {(demo.response, demo.summary) for demo in demos} == {
        ("by teacher", f"by {judge or 'teacher'}")
    }
