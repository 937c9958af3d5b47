"""The report of a runs file."""

import json

import pytest
from retrievalheads.study.study_report import report_folder
from tenpapers.journal import Journal
from tenpapers.records import write_jsonl
from tenpapers.testing import command

from ..conftest import typed, wrong
from .fabricated import fabricated, knocked

PNG = b"\x89PNG"


def test_report_and_correlate_read_a_runs_file(tmp_path, capsys):
    write_jsonl(tmp_path / "runs.jsonl", fabricated())
    (tmp_path / "knockout.json").write_text(
        json.dumps({"kind": "zero", "scope": "all", "n": 20, "rows": knocked(0.1, 0.88)})
    )
    with Journal.again(tmp_path) as journal:
        assert report_folder(journal)[3]["verdict"] == "shown"
    text = (tmp_path / "report.md").read_text()
    assert "rho = 1.00 (permutation p 0.0167, N = 5" in text and "| n/a |" in text
    assert (tmp_path / "study.png").read_bytes().startswith(PNG)
    synthetic = tmp_path / "synthetic.jsonl"
    write_jsonl(synthetic, fabricated()[:5])
    line = f"correlate --runs {synthetic}"
    found = json.loads(typed(capsys, f"{line} --x recall --y f1 --out {tmp_path}/s.png --json"))
    assert found["rho"] == 1 and found["p"] == pytest.approx(1 / 60)
    level = [run.model_copy(update={"recall": 0.5}) for run in fabricated()[:5]]
    write_jsonl(synthetic, level)
    command("retrievalheads", *line.split(), code=3)
    assert "constant" in capsys.readouterr().err
    assert "missing field 'nothing'" in wrong(*line.split(), "--x", "nothing")


def test_runs_of_two_tasks_are_correlated_within_each(tmp_path, capsys):
    """In each task y falls as x rises; the second task has more of both."""
    rows = [
        {"task": task, "x": v + shift, "y": -v + shift}
        for task, shift in (("a", 0.0), ("b", 0.5))
        for v in (0.1, 0.2, 0.3, 0.4, 0.5)
    ]
    write_jsonl(tmp_path / "runs.jsonl", rows)
    line = f"correlate --runs {tmp_path}/runs.jsonl --x x --y y"
    found = json.loads(typed(capsys, f"{line} --json"))
    # All 120 x 120 orders; both in the order seen, or both reversed.
    assert found["rho"] == pytest.approx(-1) and found["p"] == pytest.approx(2 / 14400)
    assert found["n"] == 10 and found["groups"] == 2 and found["mixed_rho"] > 0.2
    told = typed(capsys, line)
    assert "rho = -1.00 (permutation p 0.0001, N = 10 in 2 groups" in told
