import json

import pytest
from dcr.critique.language_model import LanguageModel
from dcr.critique.stage import Counted
from dcr.distill.rows import Labelled, Taught, TeacherError
from dcr.distill.settings import FeedbackSettings, ReviseSettings
from dcr.distill.teach import numbered_feedback, revised_rows, taught_rows
from tenpapers.testing import chat_server, write_rows

from ..by_hand import detected

ERROR = TeacherError(span="in July", type="Contradiction", feedback="It was June.", fix="in June")
SAID = json.dumps([ERROR.model_dump()])
FEEDBACK = FeedbackSettings(filtered="x", teacher="y")
REVISE = ReviseSettings(feedback="x", teacher="y")


def labelled(name, *labels):
    row = detected("Ann ran home in July. Bo sat.", labels, id=name)
    return Labelled(**dict(row), summary_factual=all(labels))


@pytest.fixture
def teacher(tmp_path):
    """A function that opens a teacher whose words are recorded."""

    def opened(said):
        rows = [
            {"id": name, **(text if isinstance(text, dict) else {"text": text})}
            for name, text in said.items()
        ]
        return LanguageModel.open(f"replay:{write_rows(tmp_path / 'said.jsonl', rows)}")

    return opened


def test_a_teacher_is_asked_twice_at_most_and_of_factual_responses_never(teacher):
    model = teacher(
        {
            "a|feedback": SAID,
            "b|feedback": "I see.",
            "b|feedback|try 2": SAID,
            "c|feedback": "[]",
            "c|feedback|try 2": '__import__("os")',
            "e|feedback": {"text": SAID, "finish_reason": "refused"},
        }
    )
    rows = [labelled(name, 0, 1) for name in "abcef"] + [labelled("d", 1, 1)]
    counted = Counted()
    made = {row.id: row for row in taught_rows(rows, model, FEEDBACK, counted)}
    told = {
        name: (list(row.teacher_errors), row.teacher_attempts, row.teacher_unparsed)
        for name, row in made.items()
    }
    assert told == {
        "a": ([ERROR], 1, False),
        "b": ([ERROR], 2, False),
        "c": ([], 2, True),
        "d": ([], 0, False),
        "e": ([], 1, True),
    }
    assert made["e"].teacher_finish_reason == "refused"
    assert counted.failed == {"f": "teacher: error: not recorded"}


def test_a_teacher_is_told_that_there_are_errors_and_of_which_types_they_may_be():
    bodies = []
    with chat_server(lambda prompt: SAID, bodies) as address:
        model = LanguageModel.open(f"openai:m@{address}", cache=False)
        list(taught_rows([labelled("a", 0, 1)], model, FEEDBACK, Counted()))
    asked = bodies[0]["messages"][-1]["content"]
    assert "is factually inconsistent" in asked and asked.count("\n- ") == 7
    assert bodies[0]["temperature"] == 1.0


def test_what_a_teacher_reads_when_it_refines():
    errors = [ERROR, TeacherError(span="a\nb", feedback="Nobody\nsaid so.")]
    assert numbered_feedback(errors) == (
        "1. For the span 'in July': It was June. To mend it, change it to 'in June'.\n"
        "2. For the span 'a b': Nobody said so. To mend it, remove it."
    )


def test_refinements_that_cannot_stand_in_for_a_response_are_none(teacher):
    good = "Ann ran home in June. Bo sat."
    model = teacher({"a|revise": f"Here it is:\n{good}", "b|revise": "x" * 100})
    rows = [
        Taught(**(dict(labelled(name, 0, 1)) | {"teacher_errors": [ERROR] if name != "d" else []}))
        for name in "abcd"
    ]
    counted = Counted()
    made = {row.id: row for row in revised_rows(rows, model, REVISE, counted)}
    assert {name: (row.refinement, row.refinement_rejection) for name, row in made.items()} == {
        "a": (good, ""),
        "b": (None, "length"),
        "d": (None, ""),
    }
    assert counted.failed == {"c": "teacher: error: not recorded"}
