import pytest
from overton import Judgement, SampleSet
from overton.records import ASPECTS
from overton.scoring.quality_control import quality_control
from overton.scoring.verdicts import missing_information, quality_scores, topics_of, unread
from tenpapers.errors import UserError


def verdict(kind, value, *, question=0, sample=0, status="ok"):
    return Judgement(kind, "m", question, sample, None, "", value, status)


def scores(helpfulness, factuality=4.0):
    return dict.fromkeys(ASPECTS, 4.0) | {"helpfulness": helpfulness, "factuality": factuality}


def test_a_withheld_score_is_in_no_mean():
    found = quality_scores(
        [
            verdict("quality", scores(2.0, None)),
            verdict("quality", scores(5.0)),
            verdict("quality", None, status="bad_json"),
        ]
    )
    assert found == {
        "n": 2,
        "na": 1,
        "helpfulness": 3.5,
        "clarity": 4.0,
        "factuality": 4.0,
        "depth": 4.0,
        "engagement": 4.0,
        "mean": pytest.approx(3.9),
    }


def test_missing_information_is_a_mean_and_a_histogram():
    values = [1.0, 2.0, 2.0, 5.0, None]
    assert missing_information([verdict("missing", value) for value in values]) == {
        "n": 4,
        "mean": 2.5,
        "hist": [1, 2, 0, 0, 1],
        "redundant_share": 0.75,
    }


def test_topics_are_counted_by_who_speaks_of_them():
    topics = [
        {"name": "x", "response": "A", "helpfulness": 5.0},
        {"name": "y", "response": "both", "helpfulness": 4.0},
        {"name": "z", "response": "B", "helpfulness": None},
        {"name": "w", "response": "B", "helpfulness": 2.0},
    ]
    found = topics_of([verdict("topics", topics), verdict("topics", None, status="bad_json")])
    assert found == {
        "topic_parse_failures": 1,
        "topics": {"A": 1, "B": 2, "both": 1},
        "bad_helpfulness": 1,
        "help": {"A": 5.0, "B": 2.0, "both": 4.0},
        "B_covered_micro": pytest.approx(1 / 3),
    }
    assert unread([verdict("topics", None, status="bad_json")]) == {"bad_json": 1}


def test_diversity_and_news_by_helpfulness():
    texts = [["red car", "red bus", "junk words here"], ["blue"]]
    samples = SampleSet("base", [0, 1], texts, [["stop"] * 3, ["stop"]])
    helps = [4.0, 5.0, 1.0]
    quality = [verdict("quality", scores(value), sample=n) for n, value in enumerate(helps)]
    missing = [verdict("missing", value, sample=n) for n, value in enumerate((4.0, 1.0, 5.0))]
    found = quality_control(samples, quality, missing)
    assert found["jaccard_from"] == {
        "1": pytest.approx(1 / 9),
        "2": pytest.approx(1 / 3),
        "3": pytest.approx(1 / 3),
        "4": pytest.approx(1 / 3),
        "5": None,
    }
    assert found["samples_from"] == {"1": 3, "2": 2, "3": 2, "4": 2, "5": 1}
    assert found["missing_by"] == {"1": 5.0, "2": None, "3": None, "4": 4.0, "5": 1.0}
    assert [found[key] for key in ("helpful", "novel", "helpful_and_novel")] == [2, 2, 1]


def test_quality_verdicts_on_other_samples_are_refused_and_ids_may_be_text():
    samples = SampleSet("base", ["0"], [["red car"]], [["stop"]])
    assert quality_control(samples, [verdict("quality", scores(4.0))])["jaccard_from"]["4"] is None
    with pytest.raises(UserError, match="none of 1 quality verdicts is on one of its samples"):
        quality_control(samples, [verdict("quality", scores(4.0), sample=7)])
