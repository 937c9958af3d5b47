import pytest
from dcr.refine.choose import Sample, choose, rejection_of

RESPONSE = "the cat sat on it"


def samples(*texts):
    return [Sample(text, text) for text in texts]


def test_fewest_word_edits_win_and_of_equals_the_first():
    far, near, other = "a dog sat on it", "the dog sat on it", "the cat sat on me"
    assert choose(samples(far, near, other), RESPONSE, has_feedback=True).text == near


def test_with_feedback_what_changed_nothing_is_taken_only_where_all_did():
    drawn = samples(RESPONSE, "a dog lay on it")
    assert choose(drawn, RESPONSE, has_feedback=True).text == "a dog lay on it"
    assert choose(drawn, RESPONSE, has_feedback=False).text == RESPONSE
    assert choose(samples(RESPONSE, RESPONSE), RESPONSE, has_feedback=True).text == RESPONSE


def test_what_cannot_be_taken_is_not_chosen():
    drawn = [Sample("x", "the cat sat on", rejection="length"), *samples("a dog lay on me")]
    assert choose(drawn, RESPONSE, has_feedback=True).text == "a dog lay on me"
    assert choose(drawn[:1], RESPONSE, has_feedback=True) is None


@pytest.mark.parametrize(
    ("length", "ending", "wanted"),
    [
        (30, "stop", ""),
        (31, "stop", "length"),
        (2, "stop", ""),
        (1, "stop", "length"),
        (0, "stop", "empty"),
        (10, "length", "truncated"),
        (10, "refused", "refused"),
        (10, "filtered", "filtered"),
    ],
)
def test_a_refinement_is_of_a_fifth_to_three_times_the_length_and_whole(length, ending, wanted):
    assert rejection_of("x" * length, "y" * 10, ending) == wanted
