import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
from tenpapers.testing import Journalled, check_journal, kill_process, read_rows, write_rows
from tocot.answering import run_tasks
from tocot.answering.prompts import VARIANTS
from tocot.inputs.load import own_items

from ..conftest import command, fails, item, pair, sums


def unanswered(row):
    """An output as it is when its request failed."""
    return row | {"response": None, "errored": True, "finish_reason": "error", "answer": None}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Questions, and two recorded models that answer them."""
    folder = tmp_path_factory.mktemp("given")
    write_rows(folder / "own.jsonl", [item(n).model_dump() for n in (1, 2)])
    write_rows(folder / "sums.jsonl", [sums(n).model_dump() for n in (1, 2)])
    mini = [row["id"] for file in own_items().values() for row in read_rows(file)]
    asked = [f"{setting}|{n}" for setting in ("zs_direct", "zs_cot") for n in ("i1", "i2", *mini)]
    for model, said in (("one", "Answer: A"), ("two", "Answer: B")):
        rows = [{"id": name, "text": said} for name in ("i1", "i2", *asked)]
        write_rows(folder / f"{model}.jsonl", rows)
    return folder


def runs(files):
    """Every command that asks a model, on two questions."""
    one, two = (["--model", f"replay:{files / name}.jsonl"] for name in ("one", "two"))
    model = (two, f"model {two[1]} is not {one[1]} of then")
    csqa = ["--tasks", "csqa", "--data", files / "own.jsonl", "--budgets", "3,5"]
    plans = ["--task", "gsm8k", "--data", files / "sums.jsonl", "--budget", 8, "--zero-shot"]
    common = {"failed": unanswered, "failed_code": 3}
    return {
        "run": Journalled(
            ["run", *csqa, *one],
            outputs=["outputs/csqa.jsonl"],
            others=[
                model,
                (["--style", "prefill"], 'style was "unified" and is "prefill"'),
                (["--seed", 3], "seed was 0 and is 3"),
                (["--budgets", "3,6"], 'budgets was "3,5" and is "3,6"'),
                (["--judge", two[1]], "judge was null and is"),
            ],
            changed=files / "own.jsonl",
            **common,
        ),
        "plan": Journalled(
            ["plan", *plans, "--settings", "da,plan_direct", *one],
            outputs=["outputs/gsm8k.jsonl"],
            others=[model, (["--budget", 9], "budget was 8 and is 9")],
            changed=files / "sums.jsonl",
            **common,
        ),
        "variants": Journalled(
            ["variants", *csqa, *one],
            outputs=[f"{name}/csqa.jsonl" for name in VARIANTS],
            others=[model, (["-n", 2], "n was null and is 2")],
            changed=files / "own.jsonl",
            **common,
        ),
    }


@pytest.mark.parametrize("name", ["run", "plan", "variants"])
def test_a_command_keeps_the_promises_of_runs(files, tmp_path, name):
    check_journal("tocot", runs(files)[name], tmp_path)


def test_answers_by_likelihood_keep_the_promises_of_runs(files, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(run_tasks, "open_generator", lambda *_, **__: nullcontext(tiny))
    case = runs(files)["run"]
    others = [(["--da-mode", "generate"], 'da_mode was "logprob" and is "generate"')]
    case = replace(case, arguments=[*case.arguments, "--da-mode", "logprob"], others=others)
    check_journal("tocot", case, tmp_path)


def test_the_study_keeps_the_promises_of_runs(files, tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_DATA", str(files))
    config = tmp_path / "study.yaml"
    config.write_text("n: 1\nbudgets: [3, 5]\nresamples: 2000\n")
    one, two = (f"replay:{files / name}.jsonl" for name in ("one", "two"))
    study = Journalled(
        ["reproduce", "--config", config, "--model", one],
        outputs=["live/gsm8k.jsonl", "live/csqa.jsonl", "results.json", "report.md"],
        others=[
            (["--model", two], f"model {two} is not {one} of then"),
            (["--limit", 2], "n was 1 and is 2"),
        ],
        failed=unanswered,
        kills=2,
    )
    check_journal("tocot", study, tmp_path / "runs")


def test_a_killed_process_goes_on(files, tmp_path):
    arguments = [*runs(files)["run"].arguments, "--out", tmp_path]
    file = tmp_path / "outputs" / "csqa.jsonl"
    kill_process("tocot", *arguments, file=file, lines=2)
    before = read_rows(file)
    command(*arguments)
    after = read_rows(file)
    assert len(before) == 2 and len(after) == 4 and all(row in after for row in before)


def test_outputs_of_before_there_were_journals_are_refused_in_one_line(files, tmp_path):
    old = write_rows(tmp_path / "outputs" / "csqa.jsonl", [{"id": "i1", "setting": "zs_cot"}])
    arguments = [*runs(files)["run"].arguments, "--out", tmp_path]
    for more in ([], ["--overwrite"]):
        fails(*arguments, *more, told=["csqa.jsonl: was not made by this run"])
    assert len(read_rows(old)) == 1


PAIRS = [pair(str(n), "Answer: A", "1 = 1. Answer: B", gold="B") for n in range(4)]
CSV = "Paper link,Category,Dataset,Direct perf.,CoT perf.,Delta\nu,math,gsm,10,40,30\n"
# Commands that write in one go: their words, and the files they make below --out.
ONE_GO = {
    "build": (["--task", "csqa", "--data", "own.jsonl"], ["p.jsonl"]),
    "score": (["pairs.jsonl"], ["graded.jsonl", "results.json"]),
    "report": (
        ["pairs.jsonl"],
        ["report.md", "table.csv", "results.json", "fig1.png", "fig3.png"],
    ),
    "significance": (["pairs.jsonl", "--resamples", 2000], ["significance.csv"]),
    "equals": (["pairs.jsonl"], ["equals.csv", "equals.png"]),
    "advise": (["pairs.jsonl"], ["advice.csv"]),
    "import-taur": (["taur.jsonl", "--task", "csqa"], ["csqa.jsonl"]),
    "solve": (["plans.jsonl", "--kind", "bool"], ["solved.jsonl"]),
    "meta": (["meta.csv"], ["meta.csv", "cells.csv", "outliers.csv", "results.json", "meta.png"]),
}


@pytest.fixture(scope="module")
def written(files):
    """What the commands that write in one go read."""
    write_rows(files / "pairs.jsonl", PAIRS)
    answer = {"question": "q", "answer": "B", "answerKey": "B"}
    choices = json.dumps({"label": ["A", "B"], "text": ["x", "y"]})
    said = {"zero_shot_cot_model_response": ["B"], "zero_shot_cot_is_correct": [True]}
    write_rows(files / "taur.jsonl", [answer | {"choices": choices} | said])
    plan = "aaa is True.\nDeduce the result of aaa."
    write_rows(files / "plans.jsonl", [{"id": "a", "plan": plan}])
    (files / "meta.csv").write_text(CSV)
    return files


@pytest.mark.parametrize("name", ONE_GO)
def test_what_is_written_in_one_go_is_written_anew_but_never_over_other_files(
    written, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(written)
    words, made = ONE_GO[name]
    out = [name, *words, "--out", tmp_path / "run" / (made[0] if name == "build" else "")]
    command(*out)
    first = {file: (tmp_path / "run" / file).read_bytes() for file in made}
    command(*out)
    assert {file: (tmp_path / "run" / file).read_bytes() for file in made} == first
    for file in made:
        mine = tmp_path / file / file
        mine.parent.mkdir()
        mine.write_text("mine")
        there = mine if name == "build" else mine.parent
        fails(name, *words, "--out", there, told=[f"{file}: was not made by this run"])
        assert mine.read_text() == "mine"


def test_an_input_is_never_written_over(written, tmp_path, monkeypatch):
    monkeypatch.chdir(written)
    own = written / "own.jsonl"
    before = own.read_bytes()
    told = ["own.jsonl: is an input of this run"]
    fails("build", "--task", "csqa", "--data", own, "--out", own, told=told)
    fails("meta", "meta.csv", "--out", ".", told=["meta.csv: is an input of this run"])
    assert own.read_bytes() == before


def test_scores_are_no_reason_to_lose_the_outputs_beside_them(files, tmp_path):
    command(*runs(files)["run"].arguments, "--out", tmp_path)
    command("score", tmp_path, "--out", tmp_path)
    command(*runs(files)["run"].arguments, "--out", tmp_path, "--overwrite")
    names = {path.name for path in tmp_path.glob("[!.]*")}
    assert names == {
        "journal.jsonl",
        "outputs",
        "graded.jsonl",
        "results.json",
        "graded.jsonl.journal",
    }
