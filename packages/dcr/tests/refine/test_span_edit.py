from dcr.records import Critique
from dcr.refine.refiner import RefineRequest
from dcr.refine.span_edit import SpanEdit, edit_spans

from ..by_hand import detected


def critique(span, fix, response, verdict="error"):
    start = response.index(span)
    return Critique(
        sentence_idx=0,
        sentence=response,
        raw="",
        span=span,
        span_offset=(start, start + len(span)),
        fix=fix,
        verdict=verdict,
    )


def test_spans_are_replaced_or_go_and_other_words_and_line_breaks_stay():
    text = "- Ann ran in July,\n- Bo sat in Rome at 5."
    told = [
        critique("Rome", "Paris", text),
        critique("July", "June 1998", text),
        critique("at 5", "", text),
    ]
    assert edit_spans(text, told) == "- Ann ran in June 1998,\n- Bo sat in Paris."


def test_of_spans_that_overlap_the_first_counts_and_what_is_no_error_is_left():
    text = "Ann ran in July to Rome."
    told = [
        critique("in July", "in June", text),
        critique("July to", "May to", text),
        critique("Rome", "Oslo", text, verdict="no_error"),
        Critique(sentence_idx=0, sentence=text, raw="", span="x", verdict="error"),
    ]
    assert edit_spans(text, told) == "Ann ran in June to Rome."


def test_a_span_without_a_fix_goes():
    text = "Ann ran in July home."
    assert edit_spans(text, [critique("in July", None, text)]) == "Ann ran home."


def test_an_edit_that_leaves_nothing_is_rejected():
    row = detected("Ann ran.", [0])
    told = [critique("Ann ran.", "", row.response)]
    (result,) = SpanEdit().refine([RefineRequest(row, critiques=told)])
    assert (result.text, result.raw, result.rejection) == ("Ann ran.", "", "empty")
