import json

import pytest
from dcr.training.rows import read_examples
from tenpapers.testing import command, fails, read_rows, write_rows

from ..by_hand import DOCUMENT

WRONG, RIGHT = "Ann ran home in July 1998.", "Bo sat down in Paris on 12 May."
ERROR = {"span": "July 1998", "type": "Contradiction", "feedback": "It was June.", "fix": "June"}


@pytest.fixture
def said(tmp_path):
    """Recorded words of the model and the teacher."""
    rows = {
        "a|initial": WRONG,
        "b|initial": RIGHT,
        "a|feedback": json.dumps([ERROR]),
        "b|feedback": json.dumps([ERROR | {"span": "12 May"}]),
        "a|revise": "Ann ran home in June.",
        "b|revise": "Bo sat down in Paris.",
    }
    file = write_rows(tmp_path / "said.jsonl", [{"id": n, "text": t} for n, t in rows.items()])
    return f"replay:{file}"


def test_five_stages_from_documents_to_training_rows(said, tmp_path, capsys):
    sources = [{"id": name, "document": DOCUMENT, "topic": "who"} for name in "ab"]
    given, out = write_rows(tmp_path / "documents.jsonl", sources), tmp_path / "run"
    command("dcr", "distill", "generate", given, "--model", said, "--out", out)
    assert [row["response"] for row in read_rows(out / "initial.jsonl")] == [WRONG, RIGHT]

    command(
        "dcr", "distill", "filter", out / "initial.jsonl", "--detector", "lexical", "--out", out
    )
    labelled = read_rows(out / "filtered.jsonl")
    assert [row["summary_factual"] for row in labelled] == [
        row["sent_wise_labels"] == [1] for row in labelled
    ]
    # Whatever the detector says: the first is wrong and the second right from here on.
    for row, label in zip(labelled, (0, 1), strict=True):
        row |= {"labels": [label], "sent_wise_labels": [label], "summary_factual": bool(label)}
    filtered = write_rows(tmp_path / "filtered.jsonl", labelled)

    command("dcr", "distill", "feedback", filtered, "--teacher", said, "--out", out)
    command("dcr", "distill", "revise", out / "feedback.jsonl", "--teacher", said, "--out", out)
    first, second = read_rows(out / "revised.jsonl")
    assert (first["teacher_errors"], first["refinement"]) == ([ERROR], "Ann ran home in June.")
    assert (second["teacher_errors"], second["refinement"]) == ([], None)

    capsys.readouterr()
    command("dcr", "distill", "build", out / "revised.jsonl", "--out", out, "--json")
    assert json.loads(capsys.readouterr().out) == {
        "responses": 2,
        "feedback_without_correct": 1,
        "feedback_with_correct": 2,
        "refinement_without_correct": 1,
        "single_step": 2,
        "two_step_with_minicheck": 1,
        "failed": 0,
    }
    (example,) = read_examples(out / "train.jsonl", "refinement_without_correct")
    assert example.completion == "Ann ran home in June."


def test_two_rows_of_one_id_are_told(said, tmp_path):
    file = write_rows(tmp_path / "d.jsonl", [{"id": "a", "document": "x"}] * 2)
    arguments = ["distill", "generate", file, "--model", said, "--out", tmp_path / "run"]
    fails("dcr", *arguments, told=["2 rows have the id a"])
