import pytest
from hypothesis import given
from hypothesis import strategies as st
from overton import lcs_length, rouge_l

TEXT = st.lists(st.sampled_from("abcd"), max_size=12)


def by_table(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b):
            row[j + 1] = before[j] + 1 if x == y else max(before[j + 1], row[j])
    return row[-1]


@given(TEXT, TEXT)
def test_the_longest_common_subsequence_is_that_of_the_table(a, b):
    assert lcs_length(a, b) == by_table(a, b)


def test_precision_is_over_the_candidate():
    # "big cat" is common: 2 of 3 candidate words, 2 of 4 reference words
    found = rouge_l(["the", "big", "black", "cat"], ["big", "old", "cat"])
    assert found == pytest.approx((2 / 3, 2 / 4, 4 / 7))


def test_an_empty_text_scores_0():
    assert rouge_l([], ["a"]) == rouge_l(["a"], []) == rouge_l(["a"], ["b"]) == (0.0, 0.0, 0.0)


def test_a_text_of_many_words_crosses_the_word_size():
    a, b = list(range(300)), list(range(0, 300, 2))
    assert lcs_length(a, b) == 150
