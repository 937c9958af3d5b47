import pytest
from tocot.records import Extraction
from tocot.scoring.grade import as_number, grade, judge_score, same_math, same_number, token_f1


def right(answer, gold, kind, **more):
    return grade(Extraction(answer, None, ""), gold, kind, **more)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1,234", "1234"),
        ("$1234.00", "1234"),
        ("-9867630.0", "-9867630"),
        ("18 dollars", "18"),
        ("50%", "50"),
        (".25", "0.25"),
        ("1e3", "1000"),
    ],
)
def test_equal_numbers(a, b):
    assert same_number(a, b) and same_number(b, a)


@pytest.mark.parametrize("gold", ["42", "#### 42", "6 * 7 = 42\n#### 42", "(42)", "42."])
def test_gold_numbers_as_files_write_them(gold):
    assert right("42", gold, "number") and not right("6", gold, "number")


def test_different_numbers():
    assert not same_number("3", "4") and not same_number("3", "x")
    assert as_number("x") is None and as_number("- 3") == -3


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("\\frac12", "0.5"),
        ("\\dfrac{1}{2}", "1/2"),
        ("x=5", "5"),
        ("\\left( 3 \\right)", "(3)"),
        ("90^\\circ", "90"),
        ("\\$10", "10"),
        ("5\\text{ cm}", "5"),
        ("\\sqrt2", "\\sqrt{2}"),
        ("1,000", "1000"),
        ("50\\%", "50"),
        ("3.0", "3"),
        ("-1/2", "-0.5"),
    ],
)
def test_equal_math(a, b):
    assert same_math(a, b) and same_math(b, a)


def test_different_math():
    assert not same_math("\\frac13", "0.5") and not same_math("x+1", "x")


def test_other_kinds():
    assert right("b", "B", "letter") and not right("A", "B", "letter")
    assert right("Yes", "yes", "text_choice")
    assert right("a  b", "A b", "text") and not right("a b c", "a b", "text")
    assert right("a b c", "a b", "text", text_match="substring")
    assert right("The Beatles!", ["beatles", "fab four"], "short")
    assert not grade(Extraction(None, None, "unparseable"), "A", "letter")


def test_token_f1():
    assert token_f1("the big cat", "a cat") == pytest.approx(2 / 3)
    assert token_f1("", "") == 1 and token_f1("x", "") == 0


def test_grades_of_a_judge():
    assert judge_score("good. [RESULT] 4") == 4 and judge_score("Result: **5**") == 5
    assert judge_score("no grade") is None and judge_score("3") == 3
    assert right("fine [RESULT] 4", "", "judge") and not right("bad [RESULT] 3", "", "judge")
    assert not right("nothing", "", "judge")
