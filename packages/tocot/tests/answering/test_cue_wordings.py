from contextlib import nullcontext

from tenpapers.testing import write_rows
from tocot.answering import cue_wordings
from tocot.answering.cue_wordings import run_wordings, variants_table
from tocot.answering.prompts import VARIANTS
from tocot.answering.settings import WordingSettings

from ..conftest import item


def test_every_task_is_asked_in_every_wording(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(cue_wordings, "open_generator", lambda *_, **__: nullcontext(tiny))
    rows = write_rows(tmp_path / "i.jsonl", [item(n).model_dump() for n in (1, 2)])
    found = run_wordings(WordingSettings(tasks="csqa", data=rows, budgets="4,6"), tmp_path)
    assert {name: len(own) for name, own in found["csqa"].items()} == dict.fromkeys(VARIANTS, 2)
    assert all((tmp_path / name / "csqa.jsonl").exists() for name in VARIANTS)


def test_the_table_of_wordings():
    class Row:
        def __init__(self, correct):
            self.correct = correct

    rows = variants_table({"csqa": {"steps": [Row(True), Row(False)], "plan": [Row(True)] * 2}})
    wanted = {
        "task": "csqa",
        "n": 2,
        "steps": 50.0,
        "plan": 100.0,
        "min": 50.0,
        "max": 100.0,
        "spread": 50.0,
        "best": "plan",
    }
    assert rows == [wanted]
