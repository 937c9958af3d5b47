import pytest
from lofit.records import MultipleChoiceItem
from lofit.scoring.judges import JudgeFailedError, ServedJudge, verdict
from lofit.scoring.open_answers import evaluate_open
from tenpapers.testing import write_rows


class AlwaysYes:
    def score(self, question, answer):
        return 0.5 if answer == "maybe" else 0.4


def test_an_empty_answer_is_true_and_not_informative():
    judge = AlwaysYes()
    assert verdict(judge, "q", "  ", "true") == 1 and verdict(judge, "q", "", "informative") == 0
    assert verdict(judge, "q", "maybe", "true") == 1 and verdict(judge, "q", "no", "true") == 0


@pytest.mark.parametrize(
    ("reply", "expected"),
    [("Yes.", 1), ("**No**", 0), ("I think: yes", 1), ("hard to say", None), ("yesterday", None)],
)
def test_a_judges_reply_is_yes_no_or_neither(reply, expected, tmp_path):
    file = write_rows(tmp_path / "said.jsonl", [{"id": "judge", "text": reply}])
    assert verdict(ServedJudge(f"replay:{file}", "true"), "q", "a", "true") == expected
    write_rows(file, [{"id": "another", "text": reply}])
    with pytest.raises(JudgeFailedError, match="the judge of true: "):
        ServedJudge(f"replay:{file}", "true").score("q", "a")


class Shy:
    """Says nothing on the first question, breaks on the second, yes on the others."""

    def score(self, question, answer):
        if question == "Q1":
            raise JudgeFailedError("busy")
        return None if question == "Q0" else 1.0


def test_what_a_judge_does_not_say_is_no_verdict(small):
    questions = [
        MultipleChoiceItem(
            id=str(i),
            question=f"Q{i}",
            best_answer="a",
            correct_answers=("a",),
            incorrect_answers=("b",),
        )
        for i in range(4)
    ]
    found = evaluate_open(small, questions, {"true": Shy()})
    assert found.metrics["true"] == 100.0 and (found.n, found.failed) == (3, 1)
    assert found.as_results()["unjudged"] == 1
    assert [row.error for row in found.items] == ["", "busy", "", ""]
