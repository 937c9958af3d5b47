import random

import pytest
from dcr.critique.written_form import (
    LONGEST,
    Read,
    locate,
    read_critique,
    replace_span,
    write_critique,
)
from hypothesis import given
from hypothesis import strategies as st

CLEAN = st.text(alphabet="abcXYZ' .,-", min_size=1, max_size=30).map(lambda t: f"a{t}b")


def test_the_form_that_critics_are_trained_to_write():
    text = write_critique("The document says 1998.", "in 1989", "in 1998")
    assert text == (
        "The document says 1998.\nThe error span is: 'in 1989'\n"
        "To fix this, change the span to 'in 1998'"
    )
    assert read_critique(text) == Read("The document says 1998.", "in 1989", "in 1998", "error")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('Why.\nThe error span: "a b"\nChange it to "c".', Read("Why.", "a b", "c", "error")),
        ("Why.\nThe error span is “a b”\nchanging it to “c”", Read("Why.", "a b", "c", "error")),
        (
            "Why.\nThe error span is: 'the bank's plan'\nTo fix this, change the span to 'Bo's'\n",
            Read("Why.", "the bank's plan", "Bo's", "error"),
        ),
        (
            'No.\n**Error span:** `"five"`\n**Fix:** change "five" to "six"**',
            Read("No.", "five", "six", "error"),
        ),
        ("Why.\nThe error span is: 'a b'", Read("Why.", "a b", None, "error")),
        ("Why.\nError span: 'a'\nChange it to:\n'c'", Read("Why.", "a", "c", "error")),
        ("It is so. The error span is: 'a b'.", Read("It is so.", "a b", None, "error")),
        (
            "Why.\nERROR SPAN: 'a b'\nI advise removing the information.<|eot_id|>",
            Read("Why.", "a b", "", "error"),
        ),
        ("Why.\nThe error span is: 'a'\nchange the span to ''", Read("Why.", "a", "", "error")),
        (
            "It was changed to 'six'\nThe error span is: 'a'\nchange the span to 'c'</s>",
            Read("It was changed to 'six'", "a", "c", "error"),
        ),
        (
            "The document says so. No error.",
            Read("The document says so. No error.", None, None, "no_error"),
        ),
        (
            'All is right: **"no error"**',
            Read('All is right: **"no error"**', None, None, "no_error"),
        ),
        (
            "There is no errors-only list.",
            Read("There is no errors-only list.", None, None, "unparsed"),
        ),
        ("This is wrong; remove it.", Read("This is wrong; remove it.", None, None, "unparsed")),
        ("", Read("", None, None, "unparsed")),
    ],
)
def test_forms_that_models_write(text, wanted):
    assert read_critique(text) == wanted


@given(CLEAN, CLEAN, st.one_of(st.none(), st.just(""), CLEAN))
def test_what_was_written_is_read_back(reasoning, span, fix):
    words = [" ".join(text.split()) if text else text for text in (span, fix)]
    read = read_critique(write_critique(reasoning, span, fix))
    assert (read.span, read.fix, read.verdict) == (*words, "error")


def test_whatever_a_model_says_it_is_read_in_no_time():
    draw = random.Random(3)
    pieces = ["error span", "change", " to ", *"'\"“”\n: x(\\", "no error", "</s>"]
    for _ in range(1000):
        read_critique("".join(draw.choices(pieces, k=draw.randrange(60))))
    for piece in (" ", " '", " .", "'x", "chang", "change' to '", "' to '", "</s>", "no error "):
        read_critique("error span" + piece * LONGEST + "x")


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        ("in May", (10, 16)),
        ("IN MAY", (10, 16)),
        ("in  may,", (10, 17)),
        ("in June", None),
        (" ", None),
        ("", None),
    ],
)
def test_a_span_is_found_as_it_is_or_in_other_case_or_with_other_blanks(span, wanted):
    assert locate(span, "Bo went   in May, not in may.") == wanted


@pytest.mark.parametrize(
    ("text", "span", "fix", "wanted"),
    [
        ("Bo left in May.", "May", "June", "Bo left in June."),
        ("Bo left in May.", "in May", "", "Bo left."),
        ("In May 1998, Bo left.", "1998", "", "In May, Bo left."),
        ("Bo, aged 5, left.", "aged 5", "", "Bo, left."),
        ("Bo left.", "Bo", "", "left."),
        ("- Bo left\n- Al came", "Bo left", "", "- \n- Al came"),
        ("Bo left (in May).", "in May", "", "Bo left ()."),
        ("Bo left", "left", "", "Bo"),
    ],
)
def test_a_span_is_replaced_or_goes_with_a_blank(text, span, fix, wanted):
    start = text.index(span)
    assert replace_span(text, (start, start + len(span)), fix) == wanted
