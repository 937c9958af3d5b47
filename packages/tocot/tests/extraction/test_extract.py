import pytest
from tocot.extraction.extract import extract
from tocot.records import PublicItem, TaskItem
from tocot.scoring.grade import grade

from ..conftest import letters


def plain(kind):
    return PublicItem(id="1", answer_kind=kind)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("The answer is $1,234.50.", "1234.5"),
        ("so 3 + 4 = 7. The answer is 18 dollars", "18"),
        ("\\boxed{42} and 7", "42"),
        ("$\\boxed{12", "12"),
        ("\\boxed{\\frac{1}{2}}", "0.5"),
        ("It is -9,867,630.0", "-9867630"),
        ("first 3, then 9", "9"),
        ("The answer is eleven, as 3 + 8.\nSo the answer is eleven", None),
        ("nothing", None),
    ],
)
def test_numbers(response, answer):
    assert extract(response, plain("number")).answer == answer


def test_other_kinds():
    assert extract("= \\boxed{\\frac12}", plain("math")).answer == "\\frac12"
    assert extract("\\boxed{a{b}c}", plain("math")).answer == "a{b}c"
    assert extract("x = 3", plain("math")).answer is None
    assert extract('The answer is "fnel."', plain("text")).answer == "fnel"
    assert extract("] ]", plain("text")).answer == "] ]"
    assert extract("Answer: Rome\nAnswer: Oslo", plain("short")).answer == "Rome"
    assert extract("Rome", plain("short")).answer is None
    marked = "plan\n### Reply\nHello there"
    for text in (marked, marked.replace("### Reply", "**REPLY:**"), marked.replace("### ", "[")):
        assert extract(text.replace("[Reply", "[Reply]"), plain("judge")).answer == "Hello there"
    assert extract("Hello", plain("judge")).answer == "Hello"


def test_the_gold_answer_must_stay_hidden():
    item = TaskItem(
        id="1",
        task="csqa",
        question="q",
        answer_kind="letter",
        gold="A",
        choices={"label": ["A", "B"], "text": ["x", "y"]},
    )
    for shown in (item, {"gold": "A"}, {"id": "1"}):
        with pytest.raises(TypeError):
            extract("A", shown)
    assert extract("A", item.public()).answer == "A"
    assert not hasattr(item.public(), "gold")


def test_the_replies_that_fooled_the_official_parser():
    item = letters("Amazon dog", "big dog", "cat")
    found = extract("The best answer is B) Amazon dog", item)
    assert found.answer == "B"
    assert [grade(found, gold, "letter") for gold in "ABC"] == [False, True, False]
    assert extract("Answer: All of them, so B", item).answer in (None, "B")
