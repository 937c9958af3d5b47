import pytest
from cfr.scoring.answer_overlap import exact_match, normalized, token_f1


def test_articles_punctuation_and_case_do_not_count():
    assert normalized("  The  U.S.  -- a Nation! ") == "us nation"
    assert exact_match("the cat", ["A dog", "Cat."]) == 1
    assert exact_match("cats", ["cat"]) == 0


def test_f1_counts_shared_words_as_often_as_both_have_them():
    # shared: cat, sat; 3 and 4 words
    assert token_f1("cat cat sat", ["a cat sat down there"]) == pytest.approx(4 / 7)


def test_the_best_reference_counts():
    assert token_f1("red car", ["blue bus", "red bus"]) == 0.5


@pytest.mark.parametrize(
    ("candidate", "reference", "score"), [("", "", 1), ("the", "", 1), ("", "x", 0), ("x", "", 0)]
)
def test_empty_answers(candidate, reference, score):
    assert token_f1(candidate, [reference]) == score
