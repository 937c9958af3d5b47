"""The ways in which models end an answer: each is one kind, in words of our own."""

import pytest
from tocot.extraction.extract import extract
from tocot.records import PublicItem
from tocot.scoring.grade import grade

from ..conftest import letters

PLANETS = letters("Mars", "Venus", "Saturn", "Pluto")
SUMS = letters("3", "6", "9", "None of these")
VERDICTS = letters("True", "False", "Unknown")
TEN = letters(*"qrstuvwxyz")


@pytest.mark.parametrize(
    "response",
    [
        "It has rings.\n\n**C**",
        "That settles it.\n\n**Answer: C**",
        "_Answer: C_",
        "So \\boxed{\\text{C}}",
        "So \\boxed{\\textbf{(C)}} it is",
        "We get $\\boxed{\\mathbf{C}}$.",
        "We get $\\boxed{C. Saturn}$",
        "\\[\\text{Answer: } \\mathbf{C}\\]",
        "Answer: \\(C\\)",
        "### Final Answer\n\nC",
        "## Final Answer:\n\n**C. Saturn**",
        "**Final Answer:**\n\nC) Saturn",
        "Answer:\nC",
        "The correct answer is:\n\n**C**",
        "Of these, option C is the correct one.",
        "A is a trap. Therefore, C is correct.",
        "Therefore (C) is the correct answer.",
        "The answer would be (C).",
        "I choose C.",
        "I'd go with C.",
        "Final choice -> C",
        "So, the answer, C, stands.",
        "The answer is option C.",
        "The answer is the letter C.",
        "The answer is choice (c).",
        "answer: c",
        "The answer is c) Saturn.",
        "c",
        "C. Saturn\n\nReason: A is wrong because Mars has no rings.",
        "C) Saturn\n\nOption A (Mars) has none; B and D neither.",
        "C\n\nIts rings are of ice.",
        "The answer is A. Wait, no, it's C.",
        "Answer: A\nActually, it must be C.",
        "The answer is not A but C.",
        "The answer isn't A, it's C.",
        "The answer cannot be A, so it must be C.",
        "I wavered between A and C, but the answer is C.",
        "Answer seems to be C.",
        "The best answer here is C.",
        "Answer: C\nConfidence: 90%",
        '```json\n{"answer": "C"}\n```',
        '{"choice": "C"}',
        "Thoughts\n<answer>(C)</answer>",
        "<final_answer>\nC\n</final_answer>",
        "```\nAnswer: C\n```",
        "The answer is {C}.",
        'The answer is "C".',
        "The best answer is 'C. Saturn'.",
        "The answer is Ⓒ.",
        "The answer is Saturn.",
        "It is SATURN.",
        "The correct option is **C: Saturn**.",
        "It has rings.\nTherefore, C.",
        "Solution: C",
        "Correct answer C",
        "The answer is C!",
        "Answer: 'C'",
        "The answer is A's neighbour, that is C.",
        "The answer is a planet called Saturn.",
        "Answer: Let's see. It has rings, so Saturn. The answer is (C).",
        'I must end with "Answer: X". It has rings.\nAnswer: C',
        'Answer: C\n\n(The form was "Answer: X", X being its letter.)',
        "<think>The answer is A? no</think>\nAnswer: C",
        "<think>\nThe answer is A at first.\n</think>\n\nC. Saturn",
        "Maybe the answer is A.\n</think>\n\nC",
        "<think>\n\n</think>\n\nAnswer: C",
        "<|channel|>analysis<|message|>The answer is A<|end|><|start|>assistant<|channel|>final"
        "<|message|>C",
    ],
)
def test_endings_that_commit_to_c(response):
    assert extract(response, PLANETS).answer == "C"


@pytest.mark.parametrize(
    "response",
    [
        "A: no\nB: no\nC: yes\nD: no",
        "A ✗\nB ✗\nC ✓\nD ✗",
        "Answer: A + C",
        "Answer: A & C",
        "Answer: None",
        "The answer cannot be determined.",
        "The answer is a hard one.",
        "The answer is 2.",
        "The best answer is [the_letter].",
        "I'm sorry, I can't help with that.",
        "Answer: C’s rings",
        "<think>\nThey want 'Answer: X'. One candidate answer: C",
        "Answer: C\nHmm, that is wrong.",
    ],
)
def test_endings_that_commit_to_nothing(response):
    assert extract(response, PLANETS).answer is None


@pytest.mark.parametrize(
    ("item", "response", "answer"),
    [
        (PLANETS, "Answer: A as said above", "A"),
        (PLANETS, "The answer is A because B is wrong.", "A"),
        (PLANETS, "The best answer is A since option C has rings", "A"),
        (PLANETS, "The answer is A (Mars).", "A"),
        (PLANETS, "Answer: A – Mars", "A"),
        (TEN, "The answer is I.", "I"),
        (TEN, "The answer is C because I computed it.", "C"),
        (TEN, "The answer is hard to tell. I am not sure.", None),
        (SUMS, "The answer is none of these.", "D"),
        (SUMS, "In all that is 6. The answer is 6.", "B"),
        (SUMS, "The answer is B (6).", "B"),
        (SUMS, "The answer is 65.", None),
        (VERDICTS, "**False**", "B"),
        (VERDICTS, "Hence the claim is false.", "B"),
        (VERDICTS, "The answer is not true.", None),
        (VERDICTS, "The answer is: cannot be determined", None),
        (VERDICTS, "It is not necessarily true; the answer is unknown.", "C"),
        (letters("Yes", "No"), "Answer: True", None),
    ],
)
def test_labels_among_words(item, response, answer):
    assert extract(response, item).answer == answer


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("7 * 3 = 21\n#### 21", "21"),
        ("#### -4", "-4"),
        ("The answer is $2,345.60.", "2345.6"),
        ("He earns **$24** a day.", "24"),
        ("$\\boxed{24\\text{ euros}}$", "24"),
        ("$\\boxed{3\\frac{1}{4}}$", "3.25"),
        ("The answer is 3/4.", "0.75"),
        ("The answer is 3 1/4 hours.", "3.25"),
        ("The answer is $2.5 \\times 10^{4}$.", "25000"),
        ("The answer is −4.", "-4"),
        ("The answer is 12-5 = 7.", "7"),
        ("The answer is 4 * 6 = 24.", "24"),
        ("Answer: He sells 20 - 2 - 5 = 13 eggs, so he makes 13 * 2 = $26.", "26"),
        ("The answer is 26. He sells 13 eggs at $2.", "26"),
        ("Answer:\nFirst, 20 - 2 = 18. Then 18 - 5 = 13. So he makes 13 * 2 = 26 dollars.", "26"),
        ("The final answer is that after 3 years he has 700 dollars.", "700"),
        ("The answer is y = 8.", "8"),
        ("The answer is approximately 2.72.", "2.72"),
        ("The answer is twelve (12).", "12"),
        ("The answer is 3,00,000.", "300000"),
        ("The total is £2,300.", "2300"),
        ("No idea.", None),
        ("The answer is 14.\nNote: I took 30 days.", "14"),
        ("<think>the answer is 9?</think>\nHe makes 26 dollars.", "26"),
        ("<think>Maybe 9. No: 13*2=26.</think>\n\n**26**", "26"),
        ("The answer is +8.", "8"),
        ("The answer is .25", "0.25"),
        ("The answer is 38,", "38"),
        ("The answer is the 4th.", "4"),
        ("The mass of H2O is 18 g.", "18"),
        ("The answer is \\(38\\).", "38"),
        ("\\boxed{37} no: \\boxed{38}", "38"),
        ("\\boxed{38}\n\nCheck: 2*19=38, 39-1=38.", "38"),
        ("\\fbox{38}", "38"),
        ("\\framebox{38}", "38"),
        ("\\boxed {38}", "38"),
        ("\\boxed 38", "38"),
        ("The answer is _____.\n\n38", "38"),
        ("The answer is 38\\%.", "38"),
        ("The answer is 5 to 10-3", "5"),
        ("3e2 is it", "300"),
    ],
)
def test_numbers_as_people_write_them(response, answer):
    assert extract(response, PublicItem(id="1", answer_kind="number")).answer == answer


@pytest.mark.parametrize(
    ("response", "gold"),
    [
        ("\\boxed{-\\frac{2}{5}}", "\\frac{-2}{5}"),
        ("\\boxed{2345}", "2,\\!345"),
        ("\\boxed{7\\text{ km}}", "7"),
        ("\\boxed{7 km}", "7"),
        ("\\boxed{60\\text{ degrees}}", "60"),
        ("\\boxed{35 percent}", "35\\%"),
        ("\\boxed{\\$12.50}", "12.50"),
        ("\\boxed{12.5}", "12.50"),
        ("\\boxed{4, 3}", "3,4"),
        ("\\boxed{3 \\text{ and } 4}", "3,4"),
        ("\\boxed{(0.25, 3)}", "(\\frac{1}{4},3)"),
        ("\\boxed{\\left[1, 4\\right)}", "[1,4)"),
        ("\\boxed{(-\\infty,2)\\cup(3,\\infty)}", "(-\\infty, 2) \\cup (3, \\infty)"),
        ("\\boxed{3x+1}", "y=3x+1"),
        ("\\boxed{1 + 3x}", "3x+1"),
        ("\\boxed{3\\sqrt5}", "3\\sqrt{5}"),
        ("\\boxed{\\sqrt{18}}", "3\\sqrt{2}"),
        ("\\boxed{\\frac{15}{35}}", "\\frac{3}{7}"),
        ("\\boxed{\\text{odd}}", "\\text{odd}"),
        ("\\boxed{110_2}", "110_{2}"),
        ("\\boxed{6 \\pi}", "6\\pi"),
        ("\\boxed{3 \\cdot 2^3}", "24"),
        ("So the answer is \\[ 24 \\]", "24"),
        ("✅ Final Answer: **61**", "61"),
        ("\\boxed{\\text{The answer is } 8}", "8"),
        ("\\boxed{3\\frac{1}{2}}", "\\frac{7}{2}"),
        ("\\boxed{2 \\times 10^3}", "2000"),
        ("\\boxed{7~\\text{km}}", "7"),
        ("\\boxed{15\\%}", "15"),
        ("\\boxed{.25}", "\\frac{1}{4}"),
    ],
)
def test_mathematical_answers_that_are_equal(response, gold):
    assert grade(extract(response, PublicItem(id="1", answer_kind="math")), gold, "math")


@pytest.mark.parametrize(
    ("response", "gold"),
    [
        ("\\boxed{\\text{even}}", "\\text{odd}"),
        ("\\boxed{(3,4)}", "(4,3)"),
        ("\\boxed{\\frac{2}{1}}", "\\frac{1}{2}"),
        ("\\boxed{3,5}", "3,4"),
        ("<think>try \\boxed{3}? no, that is", "3"),
        ("I do not know.", "3"),
        ("\\boxed{}", "3"),
    ],
)
def test_mathematical_answers_that_are_not(response, gold):
    found = extract(response, PublicItem(id="1", answer_kind="math"))
    assert not grade(found, gold, "math") and not grade(found, gold, "math", math_by="official")


@pytest.mark.parametrize(
    "response",
    [
        "So the answer is fig kiwi plum.",
        "Answer: `fig kiwi plum`",
        "Answer:\n```\nfig kiwi plum\n```",
        'The best answer is "fig kiwi plum".',
        "\\boxed{\\text{fig kiwi plum}}",
        "fig kiwi plum",
    ],
)
def test_texts(response):
    assert extract(response, PublicItem(id="1", answer_kind="text")).answer == "fig kiwi plum"


def test_signs_are_a_text_too():
    item = PublicItem(id="1", answer_kind="text")
    assert extract("Answer: **} ] )**", item).answer == "} ] )"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["letter", "number", "math", "text"])
def test_thousands_of_open_boxes_are_read_in_one_pass(kind):
    """Each of them once walked to the end of the text, which took more than a minute."""
    item = PLANETS if kind == "letter" else PublicItem(id="1", answer_kind=kind)
    assert extract("\\boxed{" * 20_000 + "C", item).answer in (None, "C")
    extract("answer " * 4000, item)
