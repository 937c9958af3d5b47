import pytest
from hypothesis import given
from hypothesis import strategies as st
from overton import SampleSet, lexical_diversity
from overton.scoring.lexical import jaccard_of_beginnings


def samples(*texts):
    return SampleSet("m", list(range(len(texts))), texts, [["stop"] * len(t) for t in texts])


def test_a_question_of_three_answers():
    # content sets {red, car}, {red, bus}, {red, car, fast}: Jaccard 1/3, 2/3, 1/4
    found = lexical_diversity(samples(["The red car", "a red bus", "red car, fast"]))
    assert found == {
        "questions": 1,
        "errors": 0,
        "empty": 0,
        "words": 3.0,
        "content_types": pytest.approx(7 / 3),
        "union_types": 4.0,
        "jaccard": pytest.approx((1 / 3 + 2 / 3 + 1 / 4) / 3),
        "jaccard_all_words": pytest.approx((1 / 5 + 2 / 4 + 1 / 5) / 3),
        "distinct1": pytest.approx(6 / 9),  # the, red, car, a, bus, fast
        "distinct2": pytest.approx(5 / 6),  # "red car" twice
    }


def test_failed_empty_and_single_answers_are_counted_apart():
    found = lexical_diversity(samples(["red", None], ["", ""], ["red", "", None], [None]))
    assert [found[key] for key in ("questions", "errors", "empty", "words")] == [2, 3, 3, 0.4]
    # two empty answers are no pair; an empty one beside another shares nothing
    assert found["jaccard"] == 0.0


def test_of_nothing_there_is_no_mean():
    found = lexical_diversity(samples([None]))
    assert found["jaccard"] is found["words"] is found["distinct1"] is None


def test_the_same_text_k_times_has_no_diversity():
    found = lexical_diversity(samples(["red cars drive"] * 4))
    assert (found["jaccard"], found["distinct1"]) == (1.0, 3 / 12)


@given(st.permutations(["red car", "blue car", "a car is red and fast", ""]))
def test_the_order_of_samples_does_not_matter(texts):
    wanted = lexical_diversity(samples(["red car", "blue car", "a car is red and fast", ""]))
    assert lexical_diversity(samples(texts)) == pytest.approx(wanted)


def test_beginnings_have_one_length():
    long = "red car " + " ".join(f"word{i}" for i in range(50))
    assert jaccard_of_beginnings(samples([long, "red bus"]), 2) == pytest.approx(1 / 3)


def test_the_papers_own_code_measures_more(monkeypatch):
    """Most alike pair, difference of lengths, distinct beginnings; words as its tokens."""
    monkeypatch.setattr("overton.scoring.tokens.nltk_tokens", str.split)
    same = "The beginning is the same"
    found = lexical_diversity(samples([f"{same} red", f"{same} red car", "blue"]), "nltk")
    # content {The, beginning, red}, the same with car, {blue}; of 5 + 1, 5 + 2 and 1 words
    assert found["jaccard_max"] == pytest.approx(3 / 4)
    assert found["length_difference"] == pytest.approx((1 + 5 + 6) / 3)
    assert found["distinct_prefixes"] == pytest.approx(2 / 3)
    assert "jaccard_max" not in lexical_diversity(samples(["a", "b"]))
