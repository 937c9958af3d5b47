from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from overton.inputs.samples import load_samples
from overton.recovery import generate as module
from overton.recovery.demonstrations import demo_rows
from overton.recovery.generate import NOT_YET, generate
from overton.recovery.methods import METHODS
from overton.recovery.plan import plan
from overton.recovery.prompts import Demo
from overton.recovery.settings import GenerateSettings
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator
from tenpapers.records import read_json
from tenpapers.testing import chat_server, read_rows, write_rows

from ..conftest import QUESTIONS, responses

TEACHER = (["Tea is."], ["They do."], ["One may."])


@pytest.fixture
def settings(prompts, tmp_path):
    """Everything that any method needs, small."""
    demos = demo_rows([Demo("Is it wet?", "Yes, it is.", "Says yes.")])
    np.savez(tmp_path / "vectors.npz", embeddings=np.eye(3)[[0, 0, 1]] + 0.1 * np.eye(3))
    return GenerateSettings(
        instances=prompts,
        teacher=responses(tmp_path / "teacher.jsonl", *TEACHER),
        summaries=responses(tmp_path / "sums.jsonl", ["Praises tea."], ["Yes."], ["Both."]),
        demos=write_rows(tmp_path / "demos.jsonl", demos),
        embeddings=tmp_path / "vectors.npz",
        k=1,
        n=2,
        max_new_tokens=6,
        cache=False,
    )


@pytest.fixture
def run(settings, model, tmp_path, monkeypatch):
    """Sample the session's model; gives what was counted, and the rows."""
    monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext(model))

    def made(**more):
        out = tmp_path / "out" / "run.jsonl"
        return generate(replace(settings, **more), out, overwrite=True), read_rows(out)

    return made


@pytest.mark.parametrize("method", METHODS)
def test_every_method_samples_a_live_model(run, method, tmp_path):
    counts, rows = run(method=method, limit=2)
    assert (counts.questions, counts.samples, counts.failed) == (2, 4, 0)
    assert [row["metadata"]["instance_id"] for row in rows] == [0, 1]
    assert [row["messages"][0]["content"] for row in rows] == list(QUESTIONS[:2])
    outputs = [output for row in rows for output in row["outputs"]]
    assert all(output["finish_reason"] in ("stop", "length") for output in outputs)
    assert any(output.get("raw", output["generated_text"]) for output in outputs)
    others = METHODS[method].examples == "others"
    assert all(("shot_ids" in row["metadata"]) == others for row in rows)
    samples = load_samples(tmp_path / "out" / "run.jsonl")
    assert samples.model == "run" and samples.failed == 0
    told = read_json(tmp_path / "out" / "run.manifest.json")
    assert told["config"]["method"] == method and told["config"]["repetition_penalty"] == 1.1
    assert told["stop"] == list(METHODS[method].stop) and told["context"] == 4096


def test_an_encoder_chooses_where_no_vectors_are_given(settings):
    teacher = responses(settings.teacher, ["Cats nap all day."], ["A coin."], ["Cats doze a lot."])
    near = replace(settings, embeddings=None, teacher=teacher)
    tasks = plan(replace(near, method="icl-knn-response"), count=None, context=99)
    assert tasks[0].shots == (2,) and tasks[2].shots == (0,)
    assert len(plan(replace(near, method="icl-knn-prompt"), count=None, context=99)[0].shots) == 1
    with pytest.raises(UserError, match="--encoder minilm: knows no formats"):
        plan(replace(near, method="icl-knn-format"), count=None, context=99)


def test_what_a_model_is_asked_is_the_whole_prompt(settings):
    (task, *_) = plan(
        replace(settings, method="icl-knn-prompt"), count=lambda text: len(text), context=4096
    )
    shown = "# Query:\n```\nDo cats sleep a lot?\n```\n\n# Answer:\n```\nThey do.\n```\n\n"
    asked = "# Query:\n```\nIs tea healthy?\n```\n\n# Answer:\n```\n"
    assert task.prompt is not None and task.prompt.endswith(f"\n\n{shown}{asked}")
    assert task.metadata == {"instance_id": 0, "shot_ids": [1]}


def test_a_prompt_that_is_too_long_loses_its_first_example_and_says_so(settings, prompts):
    both = replace(settings, method="icl-knn-prompt", k=2, max_new_tokens=10)
    whole = plan(both, count=len, context=9999)[0]
    short = plan(both, count=len, context=len(whole.prompt) + 9)[0]
    assert whole.shots == (1, 2) and short.shots == (2,) and short.n_dropped == 1
    assert short.metadata == {"instance_id": 0, "shot_ids": [2], "dropped_demos": 1}
    none = plan(both, count=len, context=20)[0]
    assert none.error.startswith("instance 0 needs ") and none.prompt is None


def test_a_query_that_does_not_fit_fails_alone_and_with_a_reason(run, prompts):
    write_rows(prompts, [{"prompt": "word " * 300}, {"prompt": "Tea?"}])
    counts, rows = run(method="base", limit=2, context=100)
    assert (counts.questions, counts.samples, counts.failed) == (2, 4, 2)
    assert [output["error_type"] for output in rows[0]["outputs"]] == ["validation"] * 2
    assert "the context has 100" in rows[0]["outputs"][0]["error"]


def test_a_teacher_without_an_answer_costs_only_the_queries_that_need_it(settings):
    responses(settings.teacher, ["Tea is."], [None], ["One may."])
    tasks = plan(replace(settings, method="icl-knn-response", k=1), count=None, context=99)
    assert [task.error for task in tasks] == [
        "",
        "instance 1: the teacher has no answer to it",
        "",
    ]
    tasks = plan(replace(settings, method="icl-rand", k=1), count=None, context=99)
    assert [task.shots for task in tasks] == [(2,), tasks[1].shots, (0,)]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"method": "icl-teacher", "demos": None}, "--demos is missing; `overton make-demos"),
        ({"method": "icl-rand", "teacher": None}, "--teacher is missing"),
        ({"method": "icl-summary", "summaries": None}, "--summaries is missing"),
        ({"method": "icl-knn-prompt", "k": 3}, "-k 3: there are 2 other queries"),
        ({"temperature": 0.0}, "-n 2: greedy samples are all the same; -n 1"),
    ],
)
def test_what_is_missing_is_said_before_the_model_is_asked(run, more, told):
    with pytest.raises(UserError, match=told):
        run(**more)


def test_summaries_of_fewer_queries_are_refused_with_both_counts(settings):
    responses(settings.summaries, ["One."])
    with pytest.raises(UserError, match="1 rows for 3 prompts, none of them for instance 1"):
        plan(replace(settings, method="icl-summary"), count=None, context=99)


@pytest.mark.parametrize("file", ["teacher", "summaries"])
def test_a_teachers_rows_are_found_by_what_they_answer(settings, file):
    """They stand in another order, and no file has ids; a prompt without a row is named."""
    path = getattr(settings, file)
    rows = [{"prompt": question, "outputs": [f"On {question}"]} for question in reversed(QUESTIONS)]
    write_rows(path, rows)
    method = "icl-knn-response" if file == "teacher" else "icl-summary"
    # The vectors say that the first two questions are nearest to each other.
    one = plan(replace(settings, method=method), count=None, context=99)[0]
    assert f"On {QUESTIONS[1 if file == 'teacher' else 0]}" in one.prompt
    write_rows(path, rows[1:])
    assert len(plan(replace(settings, method=method, limit=2), count=None, context=99)) == 2
    with pytest.raises(UserError, match=rf"{path.name}: 2 rows for 3 prompts, .* instance 2; rows"):
        plan(replace(settings, method=method), count=None, context=99)


def test_an_answer_to_continue_needs_a_beginning(settings, prompts):
    write_rows(prompts, [{"prompt": "Tea?"}])
    with pytest.raises(UserError, match="instance 0: no beginning of an answer to continue"):
        plan(replace(settings, method="continue"), count=None, context=99)


class Scripted:
    """A backend that says the same to everybody, and fails where it is told to."""

    family, model, identity = "hf", "scripted", "1"

    def __init__(self, text, broken=()):
        self.text, self.broken, self.asked = text, set(broken), []

    def stream(self, requests, keep):
        for request in requests:
            self.asked.append(request.id)
            done = Completion(id=request.id, text=self.text, finish_reason="stop")
            if request.id in self.broken:
                failed = {"text": "", "finish_reason": "error", "error": "busy"}
                done = done.model_copy(update=failed)
            keep(done)
            yield done

    def close(self):
        pass


def scripted(monkeypatch, settings, out, backend):
    monkeypatch.setattr(module, "_counter", lambda *_: (None, 4096))
    monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext(Generator(backend)))
    return generate(replace(settings, method="base"), out)


def test_only_the_samples_that_failed_are_asked_again(settings, tmp_path, monkeypatch):
    out = tmp_path / "run.jsonl"
    first = Scripted("fine", broken=["1|0"])
    assert scripted(monkeypatch, settings, out, first).failed == 1 and len(first.asked) == 6
    assert read_rows(out)[1]["outputs"][0] == {"error": "busy", "error_type": "generation"}
    again = Scripted("new")
    assert scripted(monkeypatch, settings, out, again).failed == 0 and again.asked == ["1|0"]
    texts = [[output["generated_text"] for output in row["outputs"]] for row in read_rows(out)]
    assert texts == [["fine", "fine"], ["new", "fine"], ["fine", "fine"]]


def test_samples_that_were_not_asked_for_yet_count_as_failed(tmp_path):
    rows = [{"metadata": {"instance_id": 0}, "outputs": [{"generated_text": "a"}, NOT_YET]}]
    assert load_samples(write_rows(tmp_path / "run.jsonl", rows)).texts == [["a", None]]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Yes.\n```\n\n# Query:\n```\nmore", "Yes."),
        ("\n```", ""),
        ("one `word` and ``two``\n```python", "one `word` and ``two``"),
    ],
)
def test_an_answer_ends_at_the_first_fence(settings, tmp_path, monkeypatch, said, kept):
    out = tmp_path / "run.jsonl"
    counts = scripted(monkeypatch, settings, out, Scripted(said))
    assert load_samples(out).texts[0] == [kept, kept]
    assert counts.empty == (0 if kept else 6)


@pytest.mark.parametrize("penalty", [None, 1.1])
def test_a_server_is_sent_the_prompt_the_stop_and_a_penalty_that_was_asked_for(
    settings, tmp_path, penalty
):
    bodies = []
    with chat_server(lambda prompt: "Yes.", bodies) as address:
        served = replace(settings, model=f"openai:served@{address}", n=1, limit=1)
        for method in ("icl", "aligned"):
            asked = replace(served, method=method, repetition_penalty=penalty, demos=None)
            generate(asked, tmp_path / f"{method}.jsonl")
    base, chat = bodies
    extra = {} if penalty is None else {"repetition_penalty": penalty}
    common = {"model": "served", "temperature": 0.5, "max_tokens": 6} | extra
    assert base.items() >= (common | {"stop": ["```"]}).items()
    assert base["prompt"].endswith("# Query:\n```\nIs tea healthy?\n```\n\n# Answer:\n```\n")
    assert (
        chat.items()
        >= (common | {"messages": [{"role": "user", "content": "Is tea healthy?"}]}).items()
    )
    assert "stop" not in chat and ("repetition_penalty" in chat) == (penalty is not None)
