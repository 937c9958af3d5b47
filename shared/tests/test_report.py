import json

from tenpapers.report import Table, bars, manifest, show, write_report


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
