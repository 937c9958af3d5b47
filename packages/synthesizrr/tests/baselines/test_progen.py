import numpy as np
from synthesizrr.baselines.progen import helpfulness
from synthesizrr.baselines.run import generate_baseline
from synthesizrr.baselines.student_vectors import LOG_ZERO

from .conftest import counts, made


def reverse_cross_entropy(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -sum_k p_k ln y_k, where ln 0 is -4: robust to wrong labels.

    Parameters
    ----------
    probs : float [N, C]; labels : int [N].
    """
    return float(np.mean(-LOG_ZERO * (1 - probs[np.arange(len(labels)), labels])))


def test_helpful_rows_are_those_with_right_labels():
    source = np.random.default_rng(0)
    labels = np.arange(120) % 2
    vectors = np.hstack([source.normal(size=(120, 5)) + 2 * labels[:, None], np.ones((120, 1))])
    wrong = np.array([0, 1, 24, 25, 48, 49, 72, 73])
    noisy = labels.copy()
    noisy[wrong] = 1 - noisy[wrong]
    scores = helpfulness(vectors, noisy, 2)
    assert scores[wrong].max() < np.median(np.delete(scores, wrong))


def test_helpfulness_is_what_more_weight_does():
    """Influence against a second fit in which one row counts a little more."""
    from sklearn.linear_model import LogisticRegression

    source = np.random.default_rng(1)
    labels = np.arange(80) // 2 % 2
    vectors = np.hstack([source.normal(size=(80, 3)) + labels[:, None], np.ones((80, 1))])
    scores = helpfulness(vectors, labels, 2)
    train, valid = np.arange(0, 80, 2), np.arange(1, 80, 2)

    def loss(weights):
        model = LogisticRegression(max_iter=1000, fit_intercept=False, tol=1e-10)
        model.fit(vectors[train], labels[train], sample_weight=weights)
        return reverse_cross_entropy(model.predict_proba(vectors[valid]), labels[valid])

    base = loss(np.ones(40))
    effects = []
    for place in range(40):
        weights = np.ones(40)
        weights[place] += 0.2
        effects.append(base - loss(weights))
    assert np.corrcoef(effects, scores[train])[0, 1] > 0.9


def test_progen_feeds_helpful_rows_back(run):
    one = run("progen", per_label=4, rounds=2)
    found = generate_baseline(one)
    assert counts(one) == {4}
    assert found["round 1"]["shots"] == 0
    second = [row for row in made(one) if row.id.startswith("progen1-")]
    first = {row.id for row in made(one)} - {row.id for row in second}
    for row in second:
        assert {name.rpartition("###")[0] for name in row.icl_ids} <= first
