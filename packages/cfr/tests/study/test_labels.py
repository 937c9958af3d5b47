import pytest
from cfr.inputs.averitec_pool import PooledQuery
from cfr.records import Candidates, Judgement, Labels, Passage, Pool, Query
from cfr.study.corpora import corpus_of
from cfr.study.labels import agreement, gold_labels, training_rows

PASSAGES = [Passage(pid=f"p{n}", text=f"text number {n}") for n in range(4)]
POOLS = [
    Pool(qid=f"{n}:0", claim=f"claim {n}", passages=PASSAGES, relevant=[f"p{n}"]) for n in range(2)
]
CORPUS = corpus_of("made up", POOLS, (), ("own", "all"))
CANDIDATES = [Candidates(qid=f"{n}:0", claim=f"claim {n}", passages=PASSAGES[2:]) for n in range(2)]
GOLD = gold_labels(CORPUS, CORPUS.train, CANDIDATES)


def pids(passages):
    return [passage.pid for passage in passages]


def test_gold_evidence_is_brought_along_and_every_other_candidate_is_negative():
    rows = training_rows("A1", GOLD, CANDIDATES, seed=0)
    assert [pids(row.positives) for row in rows] == [["p0"], ["p1"]]
    assert [pids(row.negatives) for row in rows] == [["p2", "p3"], ["p2", "p3"]]


def test_the_control_has_the_other_claims_positives():
    rows = training_rows("C1", GOLD, CANDIDATES, seed=0)
    assert [pids(row.positives) for row in rows] == [["p1"], ["p0"]]


def test_a_signal_without_a_positive_trains_nothing():
    said = [Judgement(pid="p2", score=0.1, rel=0)]
    labels = [*GOLD, Labels(qid="0:0", signal="distill", judgements=said)]
    assert training_rows("A2", labels, CANDIDATES, seed=0) == []
    assert len(training_rows("CFR", labels, CANDIDATES, seed=0)) == 2


def test_a_teacher_is_held_against_gold():
    queries = [PooledQuery(Query(qid="0:0", claim="c"), frozenset({"a"}), True)]
    said = [
        Judgement(pid="a", score=0.6, rel=1),
        Judgement(pid="b", score=0.7, rel=1),
        Judgement(pid="c", score=0.6, rel=None),
        Judgement(pid="d", score=0.2, rel=0),
    ]
    found = agreement([Labels(qid="0:0", signal="distill", judgements=said)], queries)
    assert (found["judged"], found["relevant"], found["positive"], found["both"]) == (4, 1, 2, 1)
    assert (found["precision"], found["recall"]) == (0.5, 1.0)
    assert found["auc"] == pytest.approx(0.5)  # below b, equal to c, above d
