import pytest
from lofit.inputs.load_task import load_task
from lofit.records import SFTExample
from lofit.scoring.answers import echo_baseline, grade_answer, graded_answers
from lofit.scoring.evaluation import degeneration
from tenpapers.generation import Completion


def test_grading_counts_echo_and_warns_of_degenerate_text():
    examples = [
        SFTExample(id=str(i), prompt="p", completion=" Rome", answers=("Rome",), echo=echo)
        for i, echo in enumerate(["Rome", "Oslo", "Rome", "Oslo"])
    ]
    texts = [" Rome", " Rome", "Rome", ""]
    done = [Completion(id="1", text=text, finish_reason="stop") for text in texts]
    items = [grade_answer("mquake", e, c) for e, c in zip(examples, done, strict=True)]
    found = graded_answers("mquake", examples, items)
    assert found.metrics == {"em_strict": 25.0, "em_normalized": 75.0}
    assert found.echo == {"em_strict": 50.0, "em_normalized": 50.0}
    assert any("begin with the same words" in remark for remark in found.remarks)
    lost = Completion(id="4", text="", finish_reason="error", error="busy")
    more = graded_answers("mquake", examples, [*items, grade_answer("mquake", examples[0], lost)])
    assert more.metrics == found.metrics and more.n == 4
    assert [item.error for item in more.unanswered] == ["error: busy"]
    cut = Completion(id="5", text=" Rom", finish_reason="length")
    whole = Completion(id="6", text=" Rome\nQ:", finish_reason="length")
    items = [grade_answer("mquake", examples[0], completion) for completion in (cut, whole)]
    found = graded_answers("mquake", examples[:2], items)
    assert [item.truncated for item in items] == [True, False]
    assert (found.as_results()["truncated"], found.metrics["em_normalized"]) == (1, 50.0)
    assert degeneration(["a", "b", "c", "d"]) == ["distinct outputs: 4 of 4"]


def test_fields_of_a_users_own_come_back_beside_the_grade():
    example = SFTExample(id="1", prompt="p", completion=" x", topic="maps", correct=7)
    row = grade_answer("jsonl", example, Completion(id="1", text="x", finish_reason="stop"))
    assert row.model_extra == {"topic": "maps"} and row.correct == 1


@pytest.mark.acceptance
def test_the_echo_baseline(data):
    """37 of 134, and 29.5 % of val."""
    task = load_task("mquake", data)
    found = echo_baseline("mquake", task.train)
    assert found["em_normalized"] == pytest.approx(100 * 37 / 134)
    assert echo_baseline("mquake", task.val)["em_normalized"] == pytest.approx(29.5, abs=0.05)
