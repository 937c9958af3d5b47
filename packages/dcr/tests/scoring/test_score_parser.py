import pytest
from dcr.scoring.score_parser import read_label, read_score
from hypothesis import given
from hypothesis import strategies as st

PHRASE = "The final score is"


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("4", 4),
        ("**4**", 4),
        ("4/5", 4),
        ("4.", 4),
        (": 4", 4),
        ("\n\n4", 4),
        ("4.5", 4.5),
        ("4 out of 5", 4),
        ("a clear 2, I think", 2),
        ("", None),
        ("none", None),
        ("0", None),
        ("7", None),
        ("10", None),
        ("-3", None),
        ("4,5", None),
        ("3-4", None),
        ("8/10", None),
        ("4.5.1", None),
        ("<1-5>", None),
    ],
)
def test_the_number_behind_the_phrase_is_read_or_nothing_is(said, score):
    assert read_score(f"Two errors of 5.\n{PHRASE} {said}", PHRASE) == score


def test_the_phrase_is_needed_and_the_last_one_wins():
    assert read_score("I would say 4.", PHRASE) is None
    assert read_score(f"{PHRASE} 2. No: {PHRASE} 4.", PHRASE) == 4
    # an answer that is taken back, and cut before the new one
    assert read_score(f"{PHRASE} 2. No: {PHRASE}", PHRASE) is None


def test_markup_and_case_of_the_phrase_do_not_matter():
    assert read_score("**the FINAL  score** is:** 3**", PHRASE) == 3
    assert read_score("The final scores is 3", PHRASE) is None


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("same error", "same error"),
        ('"Different error".', "different error"),
        ("**no error named**", "no error named"),
        ("another error", None),
        ("", None),
    ],
)
def test_a_label_stands_right_behind_its_phrase(said, label):
    labels = ("same error", "different error", "no error named")
    assert read_label(f"Think.\nThe verdict is: {said}", "The verdict is", labels) == label


@given(st.text())
def test_no_text_is_too_strange(text):
    for read in (read_score(text, PHRASE), read_score(f"{PHRASE} {text}", PHRASE)):
        assert read is None or 1 <= read <= 5
