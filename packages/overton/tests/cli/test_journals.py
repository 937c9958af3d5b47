import pytest
from tenpapers.testing import (
    Journalled,
    check_journal,
    command,
    kill_process,
    read_rows,
    write_rows,
)

from ..conftest import QUESTIONS, responses

STANCE = '{"reason": "x", "stance": "%s"}'


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Prompts, samples, and two recorded models that answer whatever is asked here."""
    folder = tmp_path_factory.mktemp("given")
    write_rows(folder / "prompts.jsonl", [{"prompt": question} for question in QUESTIONS])
    responses(folder / "m.jsonl", ["a", "b"], ["c", "d"], ["e", None])
    responses(folder / "aligned.jsonl", ["a b", "b"], ["c d", "d"], ["e", "f"])
    for model, stance in (("one", "yes"), ("two", "no")):
        asked = [f"{n}|{i}" for n in range(3) for i in range(2)]
        names = [*asked, *map(str, range(3)), *demo_queries()]
        rows = [{"id": name, "text": STANCE % stance} for name in names]
        write_rows(folder / f"{model}.jsonl", rows)
    return folder


def demo_queries():
    from overton.recovery.demonstrations import own_demos

    return [demo.query for demo in own_demos()]


def no_samples(row):
    """A row of samples as it is when the first request failed."""
    failed = {"error": "busy", "error_type": "generation"}
    return row | {"outputs": [failed, *row["outputs"][1:]]}


def no_verdict(row):
    """A verdict as it is when the request failed."""
    return row | {"raw": "", "value": None, "status": "call_failed", "finish_reason": "error"}


def runs(files):
    """Every command that asks a model or measures several files."""
    one, two = (f"replay:{files / name}.jsonl" for name in ("one", "two"))
    judged_by = (["--judge", two], f"judge {two} is not {one} of then")
    prompts, samples = files / "prompts.jsonl", files / "m.jsonl"
    return {
        "generate": Journalled(
            ["generate", prompts, "--method", "icl", "-n", 2, "--model", one],
            out="m.jsonl",
            others=[
                (["--model", two], f"model {two} is not {one} of then"),
                (["--method", "base"], 'method was "icl" and is "base"'),
                (["--temperature", 0.7], "temperature was 0.5 and is 0.7"),
                (["--repetition-penalty", 1.2], "repetition_penalty was 1.0 and is 1.2"),
            ],
            changed=prompts,
            failed=no_samples,
            failed_code=3,
        ),
        "judge": Journalled(
            ["judge", "stance", samples, "--judge", one],
            out="v.jsonl",
            others=[judged_by, (["--first", 1], "first was null and is 1")],
            changed=samples,
            failed=no_verdict,
            failed_code=3,
        ),
        "summarize": Journalled(
            ["summarize", samples, "--judge", one],
            out="s.jsonl",
            others=[judged_by, (["--seed", 3], "seed was 0 and is 3")],
            changed=samples,
            failed=no_samples,
            failed_code=3,
        ),
        "make-demos": Journalled(
            ["make-demos", "--teacher", one],
            out="d.jsonl",
            others=[(["--teacher", two], f"teacher {two} is not {one} of then")],
            failed=None,
        ),
        "analyse": Journalled(
            ["analyse", samples, files / "aligned.jsonl", "--metric", "jaccard"],
            ["results.json", "report.md", "table.csv"],
            others=[
                (["--seed", 1], "seed was 0 and is 1"),
                (["--tokenizer", "nltk"], 'tokenizer was "simple"'),
                (["--metric", "rougeL"], 'metric was "jaccard"'),
            ],
            changed=samples,
        ),
    }


@pytest.mark.parametrize("name", ["generate", "judge", "summarize", "make-demos", "analyse"])
def test_a_command_keeps_the_promises_of_runs(files, tmp_path, name):
    check_journal("overton", runs(files)[name], tmp_path)


def test_a_killed_process_goes_on(files, tmp_path):
    file = tmp_path / "m.jsonl"
    arguments = [*runs(files)["generate"].arguments, "--out", file]
    kill_process("overton", *arguments, file=file, lines=2)
    before = [output for row in read_rows(file) for output in row["outputs"]]
    assert sum("error" not in output for output in before) < 6
    command("overton", *arguments)
    after = read_rows(file)
    assert [row["metadata"]["instance_id"] for row in after] == [0, 1, 2]
    assert all("error" not in output for row in after for output in row["outputs"])
