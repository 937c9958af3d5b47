import json
import os
import platform
import subprocess
import sys

from tenpapers import report
from tenpapers.report import (
    Picture,
    Table,
    bars,
    manifest,
    print_report,
    show,
    write_report,
)


def test_cells():
    assert [show(v) for v in (None, float("nan"), 0.12345, 12.345, 3, "x")] == [
        "n/a",
        "n/a",
        "0.123",
        "12.3",
        "3",
        "x",
    ]


def test_a_table_in_markdown_text_and_csv():
    table = Table("T", ["a", "paper: b"], [["x|y", None], ["z", 1.5]], "note")
    assert table.markdown() == (
        "| a | paper: b |\n| --- | --- |\n| x\\|y | n/a |\n| z | 1.500 |\n\nnote"
    )
    assert table.text() == "T\na    paper: b\n---  --------\nx|y  n/a\nz    1.500\nnote"
    assert table.csv() == "a,paper: b\nx|y,\nz,1.5\n"


def test_a_report_holds_everything_it_names(tmp_path):
    picture = bars(
        tmp_path / "p.png",
        ["g1", "g2"],
        {"ours": [1.0, None]},
        ylabel="%",
        title="P",
        intervals={"ours": [(0.5, 1.5), None]},
        paper={"ours": [1.2, None]},
    )
    table = Table("T", ["a"], [[1]])
    details = manifest({"k": 1}, seed=7, began=0.0, data=[tmp_path / "p.png"])
    write_report(tmp_path, "R", ["words", table, picture], results={"x": 1}, manifest=details)
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# R\n\nwords\n\n## T\n") and "![P](p.png)" in text
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "table.csv").read_text() == "a\n1\n"
    kept = json.loads((tmp_path / "manifest.json").read_text())
    assert kept["seed"] == 7 and kept["config"] == {"k": 1}
    assert len(kept["data"]["p.png"]) == 64 and kept["versions"]["torch"]


def test_a_manifest_tells_what_a_run_needs_to_be_repeated(tmp_path, monkeypatch):
    data = tmp_path / "d.jsonl"
    data.write_text("x")
    monkeypatch.setattr(sys, "argv", ["/usr/bin/tool", "tune", "--rate", "0.5"])
    kept = manifest({"rate": 0.5}, seed=3, began=0.0, data=[data, tmp_path / "none"], tokens=7)
    assert kept["command"] == "tool tune --rate 0.5"
    assert (kept["config"], kept["seed"], kept["tokens"]) == ({"rate": 0.5}, 3, 7)
    assert kept["data"] == {
        "d.jsonl": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    }
    assert (kept["machine"], kept["processors"]) == (platform.machine(), os.cpu_count())
    assert kept["wall_seconds"] > 0


def test_a_manifest_says_which_commit_ran_and_whether_files_were_changed(tmp_path, monkeypatch):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def told():
        kept = manifest({}, seed=0, began=0.0)
        return kept["git_commit"], kept["git_dirty"]

    source = tmp_path / "report.py"
    source.write_text("1")
    monkeypatch.setattr(report, "__file__", str(source))
    assert told() == ("", False)  # an installed package
    git("init")
    git("commit", "--allow-empty", "-m", "the user's own project, which this is installed into")
    assert told() == ("", False)
    git("add", "report.py")
    git("commit", "-m", "first")
    (tmp_path / "out.json").touch()  # what a run writes is no change of the code
    assert told() == (git("rev-parse", "HEAD"), False)
    source.write_text("2")
    assert told() == (git("rev-parse", "HEAD"), True)


def test_a_report_is_printed_with_the_place_where_it_is(tmp_path, capsys):
    body = ["words", Table("T", ["a"], [[1]]), Picture("P", tmp_path / "p.png")]
    print_report(body, tmp_path, 61.4)
    assert capsys.readouterr().out == (
        f"\nwords\n\nT\na\n-\n1\n\nfigure: {tmp_path}/p.png\n\n61 s -> {tmp_path}/report.md\n"
    )
