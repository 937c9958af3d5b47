import numpy as np
import pytest
from overton import SampleSet, similarity_report
from overton.inputs.pair_scores import PairScore
from overton.scoring.gap import difference_to, gap_closed
from overton.scoring.similarity import (
    PairScores,
    compare,
    jaccard_scores,
    published_similarity,
    rouge_scores,
)
from tenpapers.errors import UserError

SCORERS = {"jaccard": jaccard_scores, "rougeL": rouge_scores}


def samples(name, *texts):
    return SampleSet(name, list(range(len(texts))), texts, [["stop"] * len(t) for t in texts])


ALIGNED = samples("aligned", ["red car", "red bus"], ["big cat", "big cat"])


def test_pairs_are_sample_0_with_every_other():
    other = samples("base", ["red car", "green"], ["big dog", None])
    (found,) = compare(ALIGNED, [other], SCORERS)
    assert found.row() == {
        "pairs": 3,
        "jaccard": pytest.approx((1 + 0 + 1 / 3) / 3),
        "jaccard_max": pytest.approx((1 + 1 / 3) / 2),
        "rougeL": pytest.approx((1 + 0 + 1 / 2) / 3),
        "rougeL_max": pytest.approx(0.75),
    }


def test_the_ceiling_leaves_out_the_pair_of_sample_0_with_itself():
    (found,) = compare(ALIGNED, [ALIGNED], SCORERS)
    assert found.is_self
    assert found.row()["pairs"] == 2
    assert found.row()["jaccard"] == pytest.approx((1 / 3 + 1) / 2)


def test_a_copy_under_another_name_is_the_reference_itself():
    copy = samples("copy", *ALIGNED.texts)
    assert compare(ALIGNED, [copy], SCORERS)[0].is_self


def test_one_sample_has_no_ceiling():
    one = samples("greedy", ["red car"])
    with pytest.raises(UserError, match="no ceiling is possible"):
        compare(one, [one], SCORERS)


def test_empty_texts_score_0_and_two_are_no_pair_for_jaccard():
    reference, other = samples("a", ["", "x"], ["red", "x"]), samples("b", ["", "red"], [""])
    (found,) = compare(reference, [other], SCORERS)
    assert found.scores["jaccard"].by_question == [[0.0], [0.0]]
    assert found.scores["rougeL"].by_question == [[0.0, 0.0], [0.0]]


def test_a_failed_sample_0_of_the_reference_has_no_pairs():
    (found,) = compare(samples("a", [None, "x"]), [samples("b", ["x", "y"])], SCORERS)
    assert found.row()["pairs"] == 0 and found.row()["jaccard"] is None


def test_the_gap_is_0_for_the_base_and_1_for_the_ceiling():
    assert gap_closed(0.2, 0.2, 0.7) == 0
    assert gap_closed(0.7, 0.2, 0.7) == 1
    assert gap_closed(0.4, 0.2, 0.7) == pytest.approx(0.4)
    assert gap_closed(0.4, 0.2, 0.2) is None
    assert gap_closed(0.4, 0.3, 0.1 + 0.2) is None


def test_the_interval_of_a_difference_is_over_questions():
    ceiling, scores = PairScores([[0.5], [0.7], [0.6]]), PairScores([[0.4], [0.6], [0.5]])
    found = difference_to(ceiling, scores)
    assert [found.value, found.low, found.high] == pytest.approx([-0.1, -0.1, -0.1])
    spread = difference_to(ceiling, PairScores([[0.1], [0.9], [0.5]]))
    assert spread.low < spread.value < spread.high


def test_the_interval_agrees_with_draws_made_one_by_one():
    draw = np.random.default_rng(1)
    own = [draw.random(draw.integers(1, 5)).tolist() for _ in range(12)]
    top = [draw.random(4).tolist() for _ in range(12)]
    means = []
    for _ in range(4000):
        chosen = draw.integers(0, 12, 12)
        mine = np.concatenate([own[i] for i in chosen]).mean()
        means.append(mine - np.concatenate([top[i] for i in chosen]).mean())
    found = difference_to(PairScores(top), PairScores(own), n_boot=4000)
    assert [found.low, found.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)


def test_one_question_has_no_interval():
    found = difference_to(PairScores([[0.5]]), PairScores([[0.4]]))
    assert (found.low, found.high) == (None, None)
    found = difference_to(PairScores([[0.5], [0.1]]), PairScores([[0.4], [0.3]]), n_boot=1)
    assert (found.low, found.high) == (None, None)


def test_the_report_has_a_row_an_alternative_and_metric():
    base = samples("base", ["green bus"], ["tall tree"])
    frame = similarity_report(ALIGNED, [ALIGNED, base], ["jaccard"], base=base)
    assert frame["alternative"].tolist() == ["aligned", "base"]
    assert frame["gap_closed"].tolist() == [1.0, 0.0]
    assert frame["ceiling"].tolist() == pytest.approx([2 / 3, 2 / 3])


def test_an_unknown_metric_is_told_with_the_known_ones():
    with pytest.raises(UserError, match="--metric bleu: unknown"):
        similarity_report(ALIGNED, [ALIGNED], ["bleu"])


def test_published_scores_of_a_model_with_itself_leave_out_sample_0():
    scores = [PairScore(0, 0, n, 0.0, 0.0, f1) for n, f1 in enumerate((1.0, 0.4, 0.6))]
    assert published_similarity(scores, is_self=True) == {
        "pairs": 2,
        "mean_f1": pytest.approx(0.5),
        "max_f1": 0.6,
    }
    assert published_similarity(scores, is_self=False)["mean_f1"] == pytest.approx(2 / 3)
