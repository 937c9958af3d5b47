import pytest
from hypothesis import given
from hypothesis import strategies as st
from tocot.extraction.extract import extract
from tocot.records import Choices, PublicItem

from ..conftest import letters

ANIMALS = letters("dog", "cat", "horse")


def words(*texts):
    choices = Choices(label=tuple("ABCDEF"[: len(texts)]), text=texts)
    return PublicItem(id="1", answer_kind="text_choice", choices=choices)


YES_NO = words("yes", "no")


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("The answer is B.", "B"),
        ("Answer: (C)", "C"),
        ("The best answer is therefore: C because of this", "C"),
        ("So the correct option is **B**.", "B"),
        ("\\boxed{C}. The answer is B", "C"),
        ("$\\boxed{\\text{B}}$", "B"),
        ("The answer is A. No, wait: the answer is C.", "C"),
        ("B because A is wrong: answer: B because A is wrong", "B"),
        ("Answer: the horse", "C"),
        ("Answer: a cat", "B"),
        ("B", "B"),
        ("(B) cat, of course", "B"),
        ("b.", "B"),
        ("First a dog.\nSo it must be (C)", "C"),
        ("We see a dog and a horse.\nIt is the horse", "C"),
        ("The answer is B or C.", None),
        ("Answer: B and C", None),
        ("Answer: A/C", None),
        ("the answer is (A), (B), or (C)", None),
        ("The answer is either A or B", None),
        ("The answer is B, a good one", "B"),
        ("I think so", None),
        ("(A) dog\n(B) cat\n(C) horse", None),
        ("no idea", None),
        ("", None),
        (None, None),
        ("  \n ", None),
    ],
)
def test_letters(response, answer):
    assert extract(response, ANIMALS).answer == answer


def test_a_window_ends_with_its_line_and_after_120_signs():
    assert extract("Answer:\nB", ANIMALS).answer == "B"  # the trigger takes the line break
    assert extract("The answer is that\n(B) is wrong and (C) too", ANIMALS).answer is None
    assert extract(f"The answer is {'x ' * 70} B", ANIMALS).answer is None


def test_an_article_is_no_label():
    assert extract("A dog is the best answer", letters("cat", "dog", "horse")).answer == "B"
    assert extract("A dog is the best answer", letters("cat", "cow", "horse")).answer is None


def test_a_label_i_is_no_pronoun():
    item = letters(*"qrstuvwxyz")
    assert extract("I think the answer is D", item).answer == "D"
    assert extract("The answer is I", item).answer == "I"
    assert extract("The answer is something I know", item).answer is None


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("The answer (Yes or No) is No.", "no"),
        ("The answer (Yes or No) is not known.", None),
        ("The answer is not sure.\n\nYes, it is.", "yes"),
        ("So the answer is yes. But the answer (Yes or No) is unknown.", None),
        ("Yes", "yes"),
        ("Maybe.\nI would say no", "no"),
        ("yes or no", None),
    ],
)
def test_texts_of_choices(response, answer):
    assert extract(response, YES_NO).answer == answer


def test_longer_texts_come_first():
    assert extract("answer: invalid", words("valid", "invalid")).answer == "invalid"
    assert extract("the answer is dark blue", words("blue", "dark blue")).answer == "dark blue"


@given(st.text(max_size=200))
def test_any_text_gives_a_label_or_nothing(text):
    found = extract(text, ANIMALS)
    assert found.answer in (None, "A", "B", "C")
    assert (found.answer is None) == (found.span is None)
