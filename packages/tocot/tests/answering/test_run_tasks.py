from contextlib import nullcontext

import pytest
from tenpapers.testing import read_rows, write_rows
from tocot.answering import run_tasks as module
from tocot.answering.run_tasks import prompts_of, run_tasks
from tocot.answering.settings import PromptSettings, RunSettings
from tocot.extraction.run_on import STOP

from ..conftest import item


@pytest.fixture
def opened(tiny, monkeypatch):
    """Specs that were opened; each gives the tiny model."""
    specs = []

    def open_tiny(spec, **_):
        specs.append(spec)
        return nullcontext(tiny)

    monkeypatch.setattr(module, "open_generator", open_tiny)
    return specs


@pytest.fixture
def given(tmp_path):
    rows = write_rows(tmp_path / "i.jsonl", [item(n).model_dump() for n in (1, 2)])
    return {"tasks": "csqa", "data": rows, "budgets": "4,6", "model": "m"}


def test_prompts_are_told_with_all_that_is_sent(given):
    settings = PromptSettings(tasks="csqa", data=given["data"], style="prefill", n=1)
    direct, cot = prompts_of(settings)
    assert (direct["setting"], direct["task"]) == ("zs_direct", "csqa")
    assert (direct["prefill"], direct["max_new_tokens"], direct["stop"]) == ("Answer: ", 10, STOP)
    assert [turn["role"] for turn in cot["messages"]] == ["system", "user"]
    assert (cot["max_new_tokens"], cot["stop"]) == (512, STOP)


def test_labels_are_scored_and_chains_of_thought_generated(opened, given, tmp_path):
    rows = run_tasks(RunSettings(**given, da_mode="logprob"), tmp_path / "o")
    outputs = read_rows(tmp_path / "o" / "outputs" / "csqa.jsonl")
    assert len(rows) == len(outputs) == 4 and opened == ["m"]
    by_likelihood = {row["setting"]: row["finish_reason"] == "logprob" for row in outputs}
    assert by_likelihood == {"zs_direct": True, "zs_cot": False}


def test_what_is_there_is_kept_unless_it_is_asked_anew(opened, tiny, given, tmp_path):
    settings = RunSettings(**given, judge="m")
    run_tasks(settings, tmp_path / "o")
    before = tiny.calls
    run_tasks(settings, tmp_path / "o")
    assert tiny.calls == before
    run_tasks(settings, tmp_path / "o", overwrite=True)
    assert tiny.calls == before + 4
    assert opened == ["m"] * 3  # the judge is the model itself, loaded once


def test_a_task_of_ones_own_is_run_and_reported_in_its_group(opened, given, tmp_path):
    own = tmp_path / "birds.yaml"
    own.write_text("kind: letter\ngroup: Knowledge\nfile: i.jsonl\n")
    rows = run_tasks(RunSettings(**given | {"tasks": str(own), "data": None}), tmp_path / "o")
    assert {(row.task, row.group) for row in rows} == {(str(own), "Knowledge")}
    assert len(read_rows(tmp_path / "o" / "outputs" / "birds.jsonl")) == len(rows) == 4
