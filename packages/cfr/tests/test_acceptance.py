"""The pools of the study with the real encoder, in full: minutes, by `make acceptance` alone."""

import dataclasses

import pytest
from cfr.retrieval.encoder import Encoder
from cfr.retrieval.vectors import VectorCache
from cfr.study.corpora import ANSWERS, ARTICLE, FULL, averitec_corpus, wice_corpus
from cfr.study.labels import CONTROL, gold_labels, training_rows
from cfr.study.measures import value
from cfr.study.rankings import ByVectors, ByWords, best, first_ranks
from cfr.study.settings import Study
from cfr.study.tuning import tuned
from tenpapers.testing import whole_acceptance

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not whole_acceptance(), reason="10,000 texts are encoded: make acceptance"),
]
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def study(data):
    return Study(data=data)


@pytest.fixture(scope="module")
def base(study):
    encoder = Encoder.load("minilm")
    encoder.config = dataclasses.replace(encoder.config, query_format=study.query_format)
    return VectorCache(encoder)


def means(ranks):
    """MRR and hit@1 of each pool."""
    return {
        view: {
            metric: sum(value(rank, metric) for rank in own.values()) / len(own)
            for metric in ("mrr", "hit@1")
        }
        for view, own in ranks.items()
    }


def asked(corpus, source):
    return means(first_ranks(corpus, corpus.test, ByVectors(corpus, source).scores(corpus.test)))


def trained(corpus, study, base, row, seed, **settings):
    """Two matrices on gold evidence, or on its control."""
    candidates = best(corpus, corpus.train, ByWords(corpus).scores(corpus.train), study.depth)
    labels = gold_labels(corpus, corpus.train, candidates)
    rows = training_rows(row, labels, candidates, seed=seed)
    return asked(corpus, tuned(rows, study, base, seed=seed, **settings))


def test_claims_are_repeated_before_they_are_answered(study, base, data):
    found = asked(averitec_corpus(study, data)[0], base)
    assert found[FULL]["hit@1"] == pytest.approx(0.124, abs=0.01)
    assert found[FULL]["mrr"] == pytest.approx(0.236, abs=0.01)
    assert found[ANSWERS]["mrr"] == pytest.approx(0.605, abs=0.02)


def test_windows_of_an_article_untuned(study, base, data):
    found = asked(wice_corpus(study, data), base)
    assert found[ARTICLE]["mrr"] == pytest.approx(0.832, abs=0.01)


def test_gold_evidence_helps_among_all_passages_on_every_seed_and_the_control_does_not(
    study, base, data
):
    corpus, _ = averitec_corpus(study, data)
    settings = {"rate": 1e-3, "steps": 400, "batch": 64}
    for seed in SEEDS:
        gold, control = (
            trained(corpus, study, base, row, seed, **settings) for row in ("A1", CONTROL)
        )
        print(seed, gold, control)
        assert gold[FULL]["mrr"] >= 0.28 and control[FULL]["mrr"] <= 0.22


def test_gold_evidence_helps_within_articles_on_every_seed(study, base, data):
    corpus = wice_corpus(study, data)
    settings = {"rate": 3e-4, "steps": 400, "batch": 48}
    for seed in SEEDS:
        gold, control = (
            trained(corpus, study, base, row, seed, **settings) for row in ("A1", CONTROL)
        )
        print(seed, gold, control)
        assert gold[ARTICLE]["mrr"] >= 0.86
