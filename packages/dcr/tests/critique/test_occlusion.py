from dcr.critique.critic import CriticOptions, requests_of
from dcr.critique.occlusion import Occlusion
from dcr.records import Critique

from ..by_hand import SharedWords, detected


def critiques(response, labels=None, **options):
    row = detected(response, labels or [0])
    return Occlusion(SharedWords(), CriticOptions(**options)).critique(requests_of(row))


def test_the_span_without_which_the_sentence_is_supported_best_and_the_best_name_in_its_place():
    # 5 of 7 words: without Oslo 5 of 6, without 13 as many, so the first; Paris gives 6 of 7.
    (found,) = critiques("Then Bo sat in Oslo on 12.")
    reason = (
        "The document supports the sentence better without these words: with probability 0.83 "
        "instead of 0.71."
    )
    assert found == Critique(
        sentence_idx=0,
        sentence="Then Bo sat in Oslo on 12.",
        raw=f"{reason}\nThe error span is: 'Oslo'\nTo fix this, change the span to 'June'",
        reasoning=reason,
        span="Oslo",
        span_offset=(15, 19),
        fix="June",
        verdict="error",
    )


def test_a_number_is_replaced_by_a_number_and_goes_where_none_is_better():
    (first,) = critiques("He sat down on 13 May.")
    assert (first.span, first.fix, first.span_offset) == ("13", "12", (15, 17))
    (second,) = critiques("He sat down on 12 May in 1998.")
    assert (second.span, second.fix) == ("1998", "")
    assert second.raw.endswith("To fix this, remove the information of the span.")


def test_no_error_where_no_deletion_helps():
    (found,) = critiques("He sat down in Paris.")
    assert (found.verdict, found.span, found.raw[-9:]) == ("no_error", None, "No error.")


def test_places_are_those_of_the_response_and_ablated_parts_are_left_out():
    found = critiques("Ann ran. He sat in Rome.", [1, 0], parts="span,reason")
    assert [(one.sentence_idx, one.span_offset, one.fix) for one in found] == [(1, (19, 23), None)]
    (found,) = critiques("He sat in Rome.", parts="span")
    assert found.raw == "The error span is: 'Rome'"


def test_sentences_are_scored_together():
    detector = SharedWords()
    row = detected("He sat in Rome. He sat in Oslo. He sat in Bonn.", [0, 0, 0])
    Occlusion(detector).critique(requests_of(row))
    assert detector.calls == 2
