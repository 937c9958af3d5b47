import pytest
from dcr.scoring.evaluate_feedback import evaluate_feedback
from dcr.scoring.settings import FeedbackSettings
from tenpapers.errors import UserError
from tenpapers.testing import read_rows, write_rows

ROW = {
    "id": "a",
    "document": "d",
    "response": "Ann ran. Bob sat in May.",
    "sentences": ["Ann ran.", "Bob sat in May."],
    "offsets": [[0, 8], [9, 24]],
    "support_prob": [0.8, 0.3],
    "labels": [1, 0],
    "response_ok": False,
    "detector": "x",
    "critiques": [
        {
            "sentence_idx": 1,
            "sentence": "Bob sat in May.",
            "raw": "The error span is: 'May'",
            "span": "May",
            "span_offset": [20, 23],
            "fix": "June",
            "verdict": "error",
        }
    ],
}
GOLD = {
    "id": "a",
    "document": "d",
    "response": ROW["response"],
    "gold": [
        {"sentence_idx": 1, "span": "May", "type": "x", "note": "It was June.", "fix": "June"}
    ],
}


def run(folder, gold=GOLD, **more):
    files = [write_rows(folder / "c.jsonl", [ROW]), write_rows(folder / "g.jsonl", [gold])]
    return evaluate_feedback(FeedbackSettings(*files, **more), folder / "out")


def test_critiques_are_held_against_a_file_of_gold_errors(tmp_path):
    found = run(tmp_path)
    assert (found["detector"]["f1"], found["no_error_rate"], found["fix_accuracy"]) == (1, 0, 1)
    assert (found["rows"], found["rows_without_gold"], found["match"]) == (1, 0, None)
    assert "span hits" in (tmp_path / "out" / "feedback.md").read_text()


def test_a_judge_says_whether_it_is_the_same_error(tmp_path):
    said = [{"id": "a|match|1", "text": "The verdict is: same error."}]
    spec = f"replay:{write_rows(tmp_path / 'said.jsonl', said)}"
    match = run(tmp_path, judge=spec)["match"]
    assert (match["asked"], match["read"], match["failed"]) == (1, 1, 0)
    assert match["shares"] == {"same error": 1.0, "different error": 0.0, "no error named": 0.0}
    assert read_rows(tmp_path / "out" / "matches.jsonl")[0]["values"] == ["same error"]


def test_gold_may_be_ids_and_errors_alone_under_the_names_of_the_field(tmp_path):
    bare = {"id": "a", "annotations": GOLD["gold"]}
    assert run(tmp_path, bare)["fix_accuracy"] == 1


def test_gold_of_other_responses_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no gold error of these responses"):
        run(tmp_path, GOLD | {"id": "b"})
