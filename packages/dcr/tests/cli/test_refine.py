import json

import pytest
from tenpapers.testing import command, fails, read_rows, write_rows

from ..by_hand import DOCUMENT, detected

WRONG = "Ann ran home in June. Bo sat down in Oslo. Bo sat down on 12 May."
MENDED = WRONG.replace("Oslo", "Paris")
CRITIQUE = "He was in Paris.\nThe error span is: 'Oslo'\nTo fix this, change the span to 'Paris'"


@pytest.fixture
def critiqued_by(tmp_path):
    """Recorded words of a critic and a refiner, as a model spec."""
    said = [
        {"id": "a|critique|1", "text": CRITIQUE},
        *({"id": f"a|critique|{n}", "text": "no error"} for n in (0, 2)),
        {"id": "a|refine|0", "text": f"Here is the edited response:\n{MENDED}"},
    ]
    return f"replay:{write_rows(tmp_path / 'said.jsonl', said)}"


@pytest.fixture
def rows(tmp_path):
    """One response of three sentences of which the second is flagged, and one that is right."""
    right = detected("Bo sat down in Paris.", [1], id="b", year=1998)
    both = [detected(WRONG, [1, 0, 1]), right]
    return write_rows(tmp_path / "detected.jsonl", [row.model_dump(mode="json") for row in both])


def test_the_steps_one_by_one(rows, critiqued_by, tmp_path, capsys):
    out = tmp_path / "run"
    command("dcr", "critique", rows, "--critic", critiqued_by, "--out", out)
    first, second = read_rows(out / "critiqued.jsonl")
    assert [(one["span"], one["fix"], one["span_offset"]) for one in first["critiques"]] == [
        ("Oslo", "Paris", [37, 41])
    ]
    assert second["critiques"] == []
    file = out / "critiqued.jsonl"
    command("dcr", "apply", file, "--refiner", critiqued_by, "--out", out, "--html", out / "p.html")
    first, second = read_rows(out / "refined.jsonl")
    assert (first["refined"], first["changed"], first["calls"]) == (MENDED, True, 2)
    assert first["recipe"] == "dcr" and first["cleaned"]
    assert (second["refined"], second["changed"], second["year"]) == (
        "Bo sat down in Paris.",
        False,
        1998,
    )
    assert "<del>Oslo</del><ins>Paris</ins>" in (out / "p.html").read_text()
    assert "rejected" in capsys.readouterr().out


def test_all_sentences_make_feed_and_refine(rows, critiqued_by, tmp_path):
    out = tmp_path / "run"
    arguments = ["critique", rows, "--critic", critiqued_by, "--limit", 1]
    command("dcr", *arguments, "--all-sentences", "--out", out)
    (row,) = read_rows(out / "critiqued.jsonl")
    assert [one["verdict"] for one in row["critiques"]] == ["no_error", "error", "no_error"]
    assert (row["recipe"], row["calls"]) == ("feed_refine", 3)
    command("dcr", "apply", out / "critiqued.jsonl", "--refiner", "span-edit", "--out", out)
    (row,) = read_rows(out / "refined.jsonl")
    assert (row["refined"], row["recipe"]) == (MENDED, "feed_refine")
    assert row["feedback"].splitlines()[0] == "1. no error"


def test_a_recipe_over_a_file_that_may_be_packed_leaves_a_file_a_step(tmp_path):
    given = write_rows(
        tmp_path / "in.jsonl.gz",
        [{"id": 7, "source": DOCUMENT, "summary": WRONG.replace("12", "13")}],
    )
    out = tmp_path / "run"
    parts = ["--detector", "lexical", "--critic", "occlusion", "--refiner", "span-edit"]
    command("dcr", "refine", given, *parts, "--threshold", 0.999, "--out", out)
    names = ["detected.jsonl", "critiqued.jsonl", "refined.jsonl"]
    steps = [read_rows(out / name)[0] for name in names]
    assert [row["id"] for row in steps] == ["7"] * 3
    assert steps[2]["labels"] == steps[0]["labels"] and steps[2]["calls"] == 0
    assert steps[2]["refined"] != steps[2]["response"]


@pytest.mark.parametrize(("recipe", "files"), [("direct", 1), ("feed_refine", 2)])
def test_a_recipe_without_a_step_leaves_no_file_of_it(recipe, files, critiqued_by, tmp_path):
    given = write_rows(
        tmp_path / "in.jsonl", [{"id": "a", "document": DOCUMENT, "response": WRONG}]
    )
    out = tmp_path / "run"
    parts = ["--critic", critiqued_by, "--refiner", critiqued_by, "--recipe", recipe]
    command("dcr", "refine", given, *parts, "--out", out)
    (row,) = read_rows(out / "refined.jsonl")
    assert (row["refined"], row["recipe"], row["labels"]) == (MENDED, recipe, [])
    made = {path.name for path in out.glob("*.jsonl")} - {"journal.jsonl"}
    assert len(made) == files


def test_one_response_is_printed_with_its_changes_and_reasons(critiqued_by, tmp_path, capsys):
    document, response = tmp_path / "report.md", tmp_path / "a"
    document.write_text(DOCUMENT)
    response.write_text(WRONG + "\n")
    parts = ["--recipe", "feed_refine", "--critic", critiqued_by, "--refiner", critiqued_by]
    pair = ["--document", document, "--response", response]
    command("dcr", "refine", *pair, *parts)
    printed = capsys.readouterr().out
    assert "Bo sat down in [-Oslo-]{+Paris+}." in printed
    assert "He was in Paris." in printed
    command("dcr", "refine", *pair, *parts, "--json")
    assert json.loads(capsys.readouterr().out)["refined"] == MENDED


def test_a_response_without_an_answer_has_no_row_is_told_and_is_asked_again(
    rows, critiqued_by, tmp_path, capsys
):
    nothing = f"replay:{write_rows(tmp_path / 'none.jsonl', [{'id': 'x', 'text': 'y'}])}"
    arguments = ["critique", rows, "--out", tmp_path / "run", "--critic"]
    command("dcr", *arguments, nothing, code=3)
    assert [row["id"] for row in read_rows(tmp_path / "run" / "critiqued.jsonl")] == ["b"]
    assert "a: no row: critic: error: not recorded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--critic", "occlusion"], "where do the results go"),
        (["--recipe", "dcr", "--out", "run"], "recipe dcr: needs a critic"),
        (["--critic", "nobody", "--out", "run"], "unknown critic 'nobody'; one of occlusion"),
        (["--critic", "occlusion", "--refiner", "me", "--out", "run"], "unknown refiner 'me'"),
        (["--recipe", "direct", "--out", "run"], "direct: has no critiques, and span-edit"),
        (["--document", "x", "--critic", "occlusion", "--out", "run"], "pass one of them"),
    ],
)
def test_what_cannot_be_run_is_told_in_a_line(rows, arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = [] if "--refiner" in arguments else ["--refiner", "span-edit"]
    fails("dcr", "refine", rows, "--detector", "lexical", *parts, *arguments, told=[told])
    assert not (tmp_path / "run" / "refined.jsonl").exists()


def test_labels_and_sentences_of_different_numbers_are_told_with_both(tmp_path):
    row = detected(WRONG, [1, 0, 1]).model_dump(mode="json") | {"labels": [1, 0]}
    file = write_rows(tmp_path / "d.jsonl", [row])
    fails("dcr", "critique", file, "--critic", "smollm2", "--out", tmp_path, told=["2", "3"])


def test_what_is_the_users_is_not_overwritten_by_a_page(rows, critiqued_by, tmp_path):
    out, mine = tmp_path / "run", tmp_path / "mine.html"
    command("dcr", "critique", rows, "--critic", critiqued_by, "--out", out)
    mine.write_text("mine")
    arguments = ["apply", out / "critiqued.jsonl", "--refiner", "span-edit", "--html", mine]
    fails("dcr", *arguments, "--out", out, told=["mine.html"])
    assert mine.read_text() == "mine"
