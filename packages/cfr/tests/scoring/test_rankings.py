import math

import pytest
from cfr.records import Judgement, Labels, Ranked, Result
from cfr.scoring.rankings import judged, ndcg, reciprocal_rank, retrieval_metrics, top_relevance
from tenpapers.errors import UserError


def ranked(qid, *pids, scores=None):
    given = scores or [1.0 - 0.1 * i for i in range(len(pids))]
    rows = zip(pids, given, strict=True)
    return Ranked(
        qid=qid, results=[Result(pid=p, score=s, rank=i) for i, (p, s) in enumerate(rows, 1)]
    )


def labels(qid, signal="gold", **given):
    """Of each passage the relevance, or (grade, relevance)."""
    pairs = {pid: one if isinstance(one, tuple) else (one, one) for pid, one in given.items()}
    return Labels(
        qid=qid,
        signal=signal,
        judgements=[Judgement(pid=p, score=s, rel=r) for p, (s, r) in pairs.items()],
    )


def test_metrics_of_two_queries():
    rankings = [ranked("q", "a", "b", "c", "d"), ranked("r", "x", "y")]
    known = judged([labels("q", b=1, d=1, a=0), labels("r", z=1, x=0)])
    found = retrieval_metrics(rankings, known, ks=(1, 2, 5))
    best = 1 + 1 / math.log2(3)
    assert found == {
        "n": 2,
        "skipped": 0,
        "mrr": pytest.approx((1 / 2 + 0) / 2),
        "hit@1": 0,
        "hit@2": 0.5,
        "hit@5": 0.5,
        "recall@1": 0,
        "recall@2": 0.25,
        "recall@5": 0.5,
        "ndcg@1": 0,
        "ndcg@2": pytest.approx((1 / math.log2(3)) / best / 2),
        "ndcg@5": pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best / 2),
    }


def test_grades_alone_will_do():
    grades = {"q": {"a": 0, "b": 2}, "r": {"x": 0}}
    found = retrieval_metrics([ranked("q", "a", "b")], grades, ks=(1, 2))
    assert (found["n"], found["skipped"], found["mrr"]) == (1, 1, 0.5)
    assert found["ndcg@2"] == pytest.approx(1 / math.log2(3))


def test_queries_without_a_relevant_passage_are_skipped_and_counted():
    known = judged([labels("q", a=0), labels("r", a=1), labels("s", b=None)])
    found = retrieval_metrics(
        [ranked("q", "a"), ranked("r", "a"), ranked("t", "a")], known, ks=(1,)
    )
    assert (found["n"], found["skipped"], found["hit@1"]) == (1, 3, 1)
    nothing = retrieval_metrics([], {}, ks=(1,))
    assert nothing["n"] == 0 and math.isnan(nothing["mrr"])


def test_a_query_that_was_not_ranked_found_nothing_and_is_counted(caplog):
    known = judged([labels("q", a=1), labels("r", a=1)])
    assert retrieval_metrics([ranked("q", "a")], known, ks=(1,))["mrr"] == 0.5
    assert "1 of 2 queries have no ranking: they found nothing" in caplog.text


def test_rankings_of_other_queries_are_refused():
    known = judged([labels("q", a=1), labels("r", a=1)])
    with pytest.raises(UserError, match="none of 2 queries is ranked: query 'q' is not among"):
        retrieval_metrics([ranked("x", "a")], known)
    graded = judged([labels("q", "distill", a=(2, 1))])
    with pytest.raises(UserError, match="none of 1 queries is ranked"):
        top_relevance([ranked("x", "a")], graded)


def test_a_passage_is_relevant_if_any_signal_says_so():
    known = judged([labels("q", a=0, b=0), labels("q", "lerc", a=(0.9, 1), b=(0.1, 0))])
    assert known["q"].relevant == {"a"} and known["q"].grades == {"a": 1, "b": 0}


def test_gains_of_grades_are_one_and_three():
    # 1 at rank 1, 3 at rank 2, nothing unjudged; best: 3 at rank 1, 1 at rank 2
    gained, best = 1 + 3 / math.log2(3), 3 + 1 / math.log2(3)
    assert ndcg(["b", "a", "x"], {"a": 2, "b": 1, "c": 0}, 3) == pytest.approx(gained / best)
    assert ndcg(["c"], {"c": 0}, 1) == 0


def test_a_listwise_teachers_grades_are_the_gains():
    known = judged([labels("q", "distill", a=(2, 1), b=(1, 0), c=(0, 0), d=(None, None))])
    assert known["q"].grades == {"a": 2, "b": 1, "c": 0} and known["q"].relevant == {"a"}


def test_reciprocal_rank_looks_at_the_whole_list():
    assert reciprocal_rank([str(i) for i in range(40)], {"24"}) == 0.04


def test_top_relevance_is_the_share_of_first_passages_of_grade_two():
    known = judged(
        [
            labels("q", "distill", a=(2, 1), b=(1, 0)),
            labels("r", "distill", a=(2, 1), b=(0, 0)),
            labels("s", "distill", a=(1, 0)),
            labels("not read", "distill"),
            labels("left out", "distill", a=(None, None)),
        ]
    )
    rankings = [ranked("q", "a", "b"), ranked("r", "b", "a"), ranked("s", "x")]
    assert top_relevance(rankings, known) == {
        "n": 3,
        "skipped": 2,
        "k": 1,
        "top_relevance": pytest.approx(1 / 3),
        "unjudged": 1,
    }
    assert top_relevance(rankings, known, k=2)["top_relevance"] == pytest.approx(1 / 3)
    with pytest.raises(UserError, match="no passage has grade 2"):
        top_relevance(rankings, judged([labels("q", a=1)]))


def test_broken_rankings_are_refused():
    known = judged([labels("q", a=1)])
    with pytest.raises(UserError, match="q: ranked twice"):
        retrieval_metrics([ranked("q", "a"), ranked("q", "a")], known)
    with pytest.raises(UserError, match="q: the score of b is not a number"):
        retrieval_metrics([ranked("q", "a", "b", scores=[1, math.nan])], known)
    with pytest.raises(UserError, match="q: a passage is ranked twice"):
        retrieval_metrics([ranked("q", "a", "a")], known)


def test_results_stand_by_their_rank_whatever_their_order_in_the_file():
    row = Ranked(
        qid="q",
        results=[Result(pid="b", score=0.1, rank=2), Result(pid="a", score=0.2, rank=1)],
    )
    assert retrieval_metrics([row], judged([labels("q", a=1)]), ks=(1,))["hit@1"] == 1
