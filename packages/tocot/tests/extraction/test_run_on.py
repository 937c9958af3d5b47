"""A generation may stop only where nothing that follows would be read."""

import pytest
from tenpapers.generation import Sampling
from tocot.extraction.extract import extract
from tocot.extraction.run_on import STOP
from tocot.records import PublicItem

from ..conftest import letters

BIRDS = letters("a robin", "a hen", "an owl")
NUMBER = PublicItem(id="1", answer_kind="number")
SAMPLING = Sampling(stop_pattern=STOP)


@pytest.mark.parametrize(
    ("item", "response", "answer"),
    [
        (BIRDS, "Answer: A\nWait, that is wrong. It hunts at night.\nAnswer: C", "C"),
        (BIRDS, "Answer: A robin", "A"),
        (BIRDS, "So the answer is C.\n\nQuestion: Which one lays eggs?\nAnswer: B", "C"),
        (BIRDS, "Answer: C\n\n**Question 2:** Which one sings?\nAnswer: A", "C"),
        (BIRDS, "Question: Which one hunts at night?\nIt is an owl.\nAnswer: C", "C"),
        (BIRDS, "I restate it.\nQuestion: Which one hunts?\nAnswer: C", "C"),
        (BIRDS, "\n\nAnswer: B", "B"),
        (BIRDS, "Answer: C\nUser: And which one sings?\nAssistant: Answer: A", "C"),
        (NUMBER, "First part: \\boxed{5}. Both together: \\boxed{10}", "10"),
        (NUMBER, "$\\boxed{10}$\n\nProblem: 1 + 1 = ?\n$\\boxed{2}$", "10"),
        (NUMBER, "The answer is 10.\nQ: 1 + 1 = ?\nA: The answer is 2.", "10"),
    ],
)
def test_a_stop_never_changes_the_answer(item, response, answer):
    """However little more than the stop needs has been generated."""
    assert extract(response, item).answer == answer
    for length in range(len(response) + 1):
        cut = SAMPLING.cut(response[:length])
        assert cut is None or extract(cut, item).answer == answer


def test_thousands_of_announcements_are_passed_once():
    assert SAMPLING.cut("the answer is " * 20_000 + "Question") is None
    assert extract("the answer is " * 4000 + "\nQuestion", BIRDS).answer is None


@pytest.mark.parametrize(
    ("kind", "response", "answer"),
    [
        ("short", "<think>answer: Oslo</think>\n**Answer:** Rome", "Rome"),
        ("judge", "<think>I plan</think>Dear Ann", "Dear Ann"),
        ("judge", "Question: who?\nThe answer is me.\nQuestion: why?", None),
    ],
)
def test_free_answers_are_read_behind_the_thinking(kind, response, answer):
    """A free reply may hold questions of its own: all of it is graded."""
    found = extract(response, PublicItem(id="1", answer_kind=kind))
    assert found.answer == (answer or response)


@pytest.mark.parametrize(
    ("item", "response", "answer"),
    [
        (NUMBER, "5 boxes of 12 are 60, less 3 are 57, and then 4", None),
        (NUMBER, "The answer is 57", None),
        (NUMBER, "The answer is 57. To check, 5 times", "57"),
        (NUMBER, "$\\boxed{57}$ since 5 times", "57"),
        (NUMBER, "$\\boxed{5", None),
        (BIRDS, "B", "B"),
        (BIRDS, "The answer is (C) because owls", "C"),
        (BIRDS, "Robins sing.\nThen there is an owl", None),
    ],
)
def test_what_a_cut_response_ends_with_is_no_answer(item, response, answer):
    found = extract(response, item, truncated=True)
    assert found.answer == answer and (answer or found.rule in ("truncated", "unparseable"))
