import json

import pytest
from tenpapers.testing import command, fails, imports_of_help, read_rows, write_rows

from ..conftest import QUESTIONS, responses

HEAVY = {"torch", "transformers", "pandas", "scipy", "sklearn", "matplotlib"}


@pytest.mark.parametrize(
    "name", ["generate", "summarize", "make-demos", "judge", "import-official"]
)
def test_help_teaches_and_loads_nothing_heavy(name, capsys):
    command("overton", name, "--help")
    assert f"Example: overton {name}" in " ".join(capsys.readouterr().out.split())


def test_the_command_line_loads_nothing_heavy():
    assert not imports_of_help("overton", "generate") & HEAVY


def test_samples_become_hints_demonstrations_and_verdicts(tmp_path, prompts, capsys):
    """The whole way, by the command line, with recorded models."""
    said = {f"{n}|{i}": f"answer {n}{i}" for n in range(3) for i in range(2)}
    said |= {str(n): f"summary {n}" for n in range(3)}
    recorded = write_rows(
        tmp_path / "one.jsonl", [{"id": name, "text": text} for name, text in said.items()]
    )
    model = f"replay:{recorded}"
    chat, hints, base = (tmp_path / "out" / f"{name}.jsonl" for name in ("chat", "hints", "base"))
    common = ["--model", model, "-n", 2]
    command("overton", "generate", prompts, "--method", "aligned", *common, "--out", chat)
    command("overton", "summarize", chat, "--judge", model, "--out", hints)
    demos = write_rows(tmp_path / "demos.jsonl", [{"query": "q", "response": "r", "summary": "s"}])
    given = ["--method", "icl-summary", "--demos", demos, "--summaries", hints]
    capsys.readouterr()
    command("overton", "generate", prompts, *given, *common, "--out", base, "--json")
    assert json.loads(capsys.readouterr().out) == {
        "questions": 3,
        "samples": 6,
        "failed": 0,
        "refused": 0,
        "filtered": 0,
        "unfinished": 0,
        "empty": 0,
        "no_answer": 0,
        "dropped_demos": 0,
    }
    assert [row["outputs"][0]["generated_text"] for row in read_rows(hints)] == [
        "summary 0",
        "summary 1",
        "summary 2",
    ]
    for file in (hints, base):  # what was asked goes along, and rows are found by it
        assert [row["messages"][0]["content"] for row in read_rows(file)] == list(QUESTIONS)


def test_a_sample_that_failed_is_no_hint_and_is_never_asked_about(tmp_path, capsys):
    samples = responses(tmp_path / "chat.jsonl", ["a"], [None], [""])
    recorded = write_rows(tmp_path / "one.jsonl", [{"id": "0", "text": "short"}])
    words = ["summarize", samples, "--judge", f"replay:{recorded}", "--json"]
    command("overton", *words, "--out", tmp_path / "hints.jsonl")
    told = {"summaries": 1, "failed": 0, "no_response": 2, "unfinished": 0}
    assert json.loads(capsys.readouterr().out) == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["generate", "none.jsonl"], ["none.jsonl: no such file"]),
        (["generate", "p.jsonl", "--method", "zero"], ["zero", "icl-knn-prompt"]),
        (["generate", "p.jsonl", "-k", 0], ["-k", "1"]),
        (["judge", "style", "p.jsonl", "--judge", "smollm2"], ["style", "stance"]),
        (["judge", "stance", "p.jsonl"], ["judge"]),
        (["make-demos"], ["teacher"]),
        (["make-demos", "--teacher", "hf:/no/such"], ["hf:/no/such: no such folder"]),
        (["judge", "stance", "s.jsonl", "--judge", "openai:gpt-4o"], ["OPENAI_API_KEY"]),
        (["generate", "p.jsonl", "--method", "icl-rand", "--teacher", "t.jsonl"], ["t.jsonl: no"]),
    ],
)
def test_a_mistake_is_one_line(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write_rows(tmp_path / "s.jsonl", [{"prompt": "a", "response": "b"}])
    write_rows(tmp_path / "p.jsonl", [{"prompt": "a"}, {"prompt": "b"}])
    write_rows(tmp_path / "r.jsonl", [{"id": "0|0", "text": "x"}])
    model = ["--model", "replay:r.jsonl"] if words[0] == "generate" else []
    fails("overton", *words, *model, "--out", tmp_path / "out.jsonl", told=told)


def test_requests_that_fail_end_with_exit_code_3(tmp_path, prompts):
    recorded = write_rows(tmp_path / "one.jsonl", [{"id": "0|0", "text": "x"}])
    words = ["generate", prompts, "-n", 1, "--model", f"replay:{recorded}"]
    command("overton", *words, "--out", tmp_path / "m.jsonl", code=3)
    kept = [row["outputs"][0] for row in read_rows(tmp_path / "m.jsonl")]
    assert kept[0]["generated_text"] == "x" and kept[1]["error"] == "not recorded"
