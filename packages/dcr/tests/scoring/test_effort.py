import pytest
from dcr.scoring.effort import Scored, edit_fields, rouge_fields, rouge_l, scored_text


@pytest.mark.parametrize(
    ("refined", "scored"),
    [
        ("He sat.", Scored("He sat.", "refined")),
        ("  \n", Scored("He ran.", "empty")),
        ("There is No Error here.", Scored("He ran.", "no_error")),
    ],
)
def test_an_empty_refinement_and_one_that_says_no_error_count_as_the_response(refined, scored):
    assert scored_text("He ran.", refined) == scored


def test_a_response_about_errors_may_be_refined():
    assert scored_text("No error was made.", "No error was found.").source == "refined"


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence():
    # the cat on | the dog sat on: 2 of 3 and 2 of 4 words
    assert rouge_l("the dog sat on", "the cat on") == pytest.approx(
        2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)
    )
    assert rouge_l("jump", "jumping") == 0  # nothing is stemmed


def test_rouge_is_taken_of_both_texts_and_between_them():
    found = rouge_fields("a b c d", "a b x", "a b c")
    assert found == pytest.approx(
        {
            "rougeL_original": 4 / 7,
            "rougeL_refined": 6 / 7,
            "rougeL_delta": 2 / 7,
            "rougeL_between": 2 / 3,
        }
    )


def test_edits_and_lengths_are_in_words():
    assert edit_fields("a b c d e", "a x c e") == {
        "edits": 2,
        "adds": 0,
        "deletes": 1,
        "subs": 1,
        "edit_share": 0.4,
        "length_ratio": 0.8,
        "copied": False,
    }
    assert edit_fields("", "")["length_ratio"] is None
