import pytest
from dcr.records import Critique, Critiqued, GoldError
from dcr.scoring.critique_quality import (
    Detection,
    cases_of,
    critique_quality,
    detection,
    same_fix,
    word_f1,
)

# Ann ran. | Bob sat down in May. | It rained.
RESPONSE = "Ann ran. Bob sat down in May. It rained."
SENTENCES = ["Ann ran.", "Bob sat down in May.", "It rained."]
OFFSETS = [(0, 8), (9, 29), (30, 40)]


def critiqued(labels, *critiques):
    return Critiqued(
        id="r",
        document="d",
        response=RESPONSE,
        sentences=SENTENCES,
        offsets=OFFSETS,
        support_prob=[0.9 if label else 0.2 for label in labels],
        labels=labels,
        response_ok=all(labels),
        detector="lexical",
        critiques=critiques,
    )


def said(index, verdict, span=None, fix=None, **more):
    start = RESPONSE.find(span) if span else -1
    offset = (start, start + len(span)) if span and start >= 0 else None
    return Critique(
        sentence_idx=index,
        sentence=SENTENCES[index],
        raw="x",
        span=span,
        span_offset=offset,
        fix=fix,
        verdict=verdict,
        **more,
    )


MAY = GoldError(start=25, end=28, span="May", fix="June", explanation="It was June.")


def test_an_error_belongs_to_the_sentence_that_its_span_overlaps_or_its_words_stand_in():
    by_words, by_number = GoldError(span="it rained"), GoldError(sentence_idx=0)
    cases = cases_of(critiqued([1, 0, 1]), [MAY, by_words, by_number])
    assert [case.gold for case in cases] == [[by_number], [MAY], [by_words]]
    assert [case.flagged for case in cases] == [False, True, False]


def test_detection_counts_inconsistent_sentences_as_positive():
    # 2 hits, 1 false alarm, 3 missed, 4 quiet
    pairs = [(True, True)] * 2 + [(False, True)] + [(True, False)] * 3 + [(False, False)] * 4
    assert detection(pairs) == Detection(2, 1, 3, 4, 2 / 3, 0.4, 0.5, pytest.approx(0.6))
    assert detection([]) == Detection(0, 0, 0, 0, None, None, None, None)


def test_spans_fixes_and_denials_are_held_against_the_gold_error():
    row = critiqued(
        [0, 0, 0],
        said(0, "error", "Ann", "Eve"),  # no gold there
        said(1, "error", "in May", "june."),
        said(2, "no_error"),
    )
    found = critique_quality(cases_of(row, [MAY, GoldError(start=33, end=39, span="rained")]))
    assert (found.detector.true_positive, found.detector.false_positive) == (2, 1)
    assert (found.critic.true_positive, found.critic.false_negative) == (1, 1)
    assert (found.critiques, found.no_error, found.on_error) == (3, 1, 2)
    assert found.no_error_rate == 0.5
    assert (found.spans, found.span_hit) == (1, 1.0)
    assert found.span_f1 == pytest.approx(2 / 3)  # in May | May
    assert (found.fixes, found.fix_accuracy) == (1, 1.0)


def test_a_span_beside_the_gold_one_is_no_hit_and_one_that_is_nowhere_neither():
    row = critiqued([1, 0, 1], said(1, "error", "Bob", "Eve"))
    found = critique_quality(cases_of(row, [MAY]))
    assert (found.span_hit, found.span_f1, found.fix_accuracy) == (0.0, 0.0, 0.0)
    row = critiqued([1, 0, 1], said(1, "error", "in June", None))
    found = critique_quality(cases_of(row, [MAY]))
    assert (found.unlocated, found.span_hit, found.fixes, found.fix_accuracy) == (1, 0.0, 0, None)


def test_what_could_not_be_read_is_no_verdict_and_is_counted_by_how_it_ended():
    row = critiqued(
        [0, 0, 0],
        said(0, "unparsed", finish_reason="length"),
        said(1, "unparsed", finish_reason="error: busy"),
        said(2, "unparsed"),
    )
    found = critique_quality(cases_of(row, [MAY]))
    assert (found.unparsed, found.truncated, found.failed, found.refused) == (3, 1, 1, 0)
    assert found.critic == Detection(0, 0, 0, 0, None, None, None, None)
    assert found.no_error_rate == 0.0


def test_a_critique_of_the_whole_response_is_about_the_sentence_of_its_span():
    whole = said(1, "error", "May").model_copy(update={"sentence_idx": -1})
    cases = cases_of(critiqued([1, 1, 1], whole), [MAY])
    assert [case.critique for case in cases] == [None, whole, None]


@pytest.mark.parametrize(
    ("fix", "gold", "same"),
    [("June", "june.", True), ("“June”", "June", True), ("", "", True), ("in June", "June", False)],
)
def test_fixes_are_the_same_but_for_case_and_what_stands_around(fix, gold, same):
    assert same_fix(fix, gold) is same


def test_words_of_spans_are_counted_as_often_as_they_stand_there():
    assert word_f1("the the cat", "the cat sat") == pytest.approx(4 / 6)
    assert word_f1("", "") == 0.0
