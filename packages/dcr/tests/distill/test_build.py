from collections import Counter

import pytest
from dcr.critique.critic import CriticOptions
from dcr.critique.written_form import read_critique
from dcr.distill.build import assign, build, sentence_of
from dcr.distill.rows import Revised, TeacherError
from dcr.refine.refiner import RefinerOptions

from ..by_hand import detected

RESPONSE = "Ann ran home in July. Bo sat down in Paris. Bo sat down on 13 May."
MENDED = "Ann ran home in June. Bo sat down in Paris. Bo sat down on 12 May."
SENTENCES = ["Ann ran home in July.", "Bo sat down in Paris.", "Bo sat down on 13 May."]


def error(span, fix="x", feedback="It is not so."):
    return TeacherError(span=span, feedback=feedback, fix=fix)


def revised(labels, errors=(), **more):
    row = dict(detected(RESPONSE, labels)) | {"teacher_errors": errors, "dataset": "mine"}
    return Revised(**(row | {"summary_factual": all(labels)} | more))


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        ("in July", 0),
        ("IN  july", 0),
        ("on 13 May in Rome with", None),
        ("sat down on a 13 May", 2),
        ("Bo sat down", 1),
        ("tea", None),
    ],
)
def test_an_error_belongs_to_the_sentence_of_its_span_or_of_most_of_its_words(span, wanted):
    assert sentence_of(span, SENTENCES) == wanted


def test_errors_count_where_the_detector_flags_their_sentence():
    dropped = Counter()
    row = revised([0, 1, 0], [error("13 May"), error("tea"), error("Paris"), error("July")])
    assert [(one.sentence_idx, one.error.span) for one in assign(row, dropped)] == [
        (0, "July"),
        (2, "13 May"),
    ]
    assert dropped == {"error in no sentence": 1, "error in a supported sentence": 1}


def test_the_training_rows_of_a_response_with_errors():
    errors = [error("13", "12", "It was 12."), error("July", "June", "It was June.")]
    built = build(
        [revised([0, 1, 0], errors, refinement=MENDED)], CriticOptions(), RefinerOptions()
    )
    rows = {(row["type"], row.get("sentence")): row for row in built.rows}
    first, second, third = SENTENCES
    assert Counter(row["type"] for row in built.rows) == {
        "feedback_without_correct": 2,
        "feedback_with_correct": 3,
        "refinement_without_correct": 1,
        "single_step": 1,
        "two_step_with_minicheck": 1,
    }
    said = {key: row["completion"][0]["content"] for key, row in rows.items()}
    july = "It was June.\nThe error span is: 'July'\nTo fix this, change the span to 'June'"
    assert said["feedback_without_correct", first] == july
    assert said["feedback_with_correct", first] == july
    assert said["feedback_with_correct", second] == "no error"
    assert read_critique(said["feedback_without_correct", third]).fix == "12"
    for kind in ("refinement_without_correct", "single_step", "two_step_with_minicheck"):
        assert said[kind, None] == MENDED
    asked = {key: row["prompt"][-1]["content"] for key, row in rows.items()}
    assert asked["feedback_without_correct", first].endswith(f"```\n{first}\n```")
    assert "no error" in asked["feedback_with_correct", first]
    numbered = (
        "1. It was June. The error span is: 'July' To fix this, change the span to 'June'\n"
        "2. It was 12. The error span is: '13' To fix this, change the span to '12'"
    )
    assert numbered in asked["refinement_without_correct", None]
    assert len({row["id"] for row in built.rows}) == 8
    assert built.dropped == {}


def test_of_a_factual_response_sentences_and_itself_are_learnt():
    built = build([revised([1, 1, 1])], CriticOptions(), RefinerOptions())
    assert Counter(row["type"] for row in built.rows) == {
        "feedback_with_correct": 3,
        "single_step": 1,
    }
    assert built.rows[-1]["completion"] == [{"role": "assistant", "content": RESPONSE}]


def test_what_gives_no_row_is_counted():
    rows = [
        revised([0, 1, 1], teacher_unparsed=True),
        revised([0, 1, 1], [error("July")], refinement_rejection="length"),
    ]
    built = build(rows, CriticOptions(parts="span"), RefinerOptions())
    assert built.dropped == {
        "flagged sentence without an error": 1,
        "teacher unparsed": 1,
        "refinement: length": 1,
    }
    (row,) = [row for row in built.rows if row["type"] == "feedback_without_correct"]
    assert row["completion"][0]["content"] == "The error span is: 'July'"
