"""Long responses are read from their end: that is quicker, and finds what the whole text says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tocot.extraction import markup
from tocot.extraction.extract import extract
from tocot.records import PublicItem

from ..conftest import letters

BIRDS = letters("a robin", "a hen", "an owl")
YES_OR_NO = PublicItem(id="1", answer_kind="text_choice", choices=BIRDS.choices)
NUMBER = PublicItem(id="1", answer_kind="number")
LINES = (
    "The answer is **A**.",
    "**Answer:** 7",
    "Answer:",
    "### Final Answer",
    "#### 12",
    "So $\\boxed{B}$",
    "\\boxed{3",
    "Option C is `a hen`, 5 of 9.",
    "I'd go with C.",
    "Wait, no, it's B.",
    "That is wrong.",
    "(A) or (B)",
    "an owl",
    "\\text{B}",
    "**",
    "",
)


@pytest.mark.parametrize("item", [BIRDS, YES_OR_NO, NUMBER])
@given(lines=st.lists(st.sampled_from(LINES), max_size=6), last=st.integers(0, 60))
def test_the_last_lines_say_what_the_whole_says(item, lines, last):
    response = "\n".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markup, "LAST", last)
        quick = extract(response, item)
        patch.setattr(markup, "LAST", len(response))
        assert quick == extract(response, item)


def test_a_box_before_the_last_lines_outranks_them():
    long = "\\boxed{A}\n" + "It sings at night. " * 60 + "\nThe answer is C."
    assert extract(long, BIRDS).answer == "A"
