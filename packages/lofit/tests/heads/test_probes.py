import numpy as np
import pytest
import torch
from lofit.heads.probes import Statements, fit_probes, probe_accuracy, rank_by_probe

from ..conftest import contrast, separable


def test_the_separable_head_is_first():
    activations, labels, _ = separable()
    accuracy, _ = rank_by_probe(activations, labels.tolist(), np.arange(320), np.arange(320, 400))
    assert accuracy.argmax() == 13 and accuracy.ravel()[13] > 0.95


@pytest.mark.parametrize("n", [60, 400])
def test_batched_probes_agree_with_scikit_learn(n):
    """Accuracy within half a point on 99 % of heads; the weights themselves too."""
    sklearn = pytest.importorskip("sklearn.linear_model")
    x, labels, _ = separable(n)
    flat, y = x.flatten(1, 2), torch.tensor(labels)
    cut = int(0.8 * n)
    weights = fit_probes(flat[:cut], y[:cut])
    ours = probe_accuracy(weights, flat[cut:], y[cut:]).numpy()
    for head in range(32):
        reference = sklearn.LogisticRegression(C=1.0, max_iter=1000, tol=1e-8)
        reference.fit(flat[:cut, head].numpy(), labels[:cut])
        assert np.allclose(reference.coef_[0], weights[head, :-1], atol=2e-3)
        theirs = reference.score(flat[cut:, head].numpy(), labels[cut:])
        assert abs(theirs - ours[head]) <= 0.005 + 1e-9


def test_probes_survive_separable_classes():
    x = torch.cat([torch.full((20, 1, 4), 5.0), torch.full((20, 1, 4), -5.0)])
    y = torch.tensor([1] * 20 + [0] * 20)
    weights = fit_probes(x, y)
    assert weights.isfinite().all() and float(probe_accuracy(weights, x, y)[0]) == 1.0


def test_statements_are_split_by_question(small):
    statements = Statements(small.tokenizer, contrast(10))
    train, val = statements.split(0)
    owners = np.array(statements.owner)
    assert not set(owners[train]) & set(owners[val]) and len(set(owners[val])) == 2
    assert len(train) + len(val) == 30
