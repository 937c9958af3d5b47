import numpy as np
import pytest
from synthesizrr.baselines.run import generate_baseline
from synthesizrr.baselines.sungen import (
    learn_weights,
    resampled,
    reverse_cross_entropy,
    with_means,
)

from .conftest import counts, made


def test_learned_weights_are_lower_for_wrong_labels():
    labels = np.arange(240) % 2
    texts = [
        ("good fine great " if label else "bad awful poor ") + str(n)
        for n, label in enumerate(labels)
    ]
    wrong = [0, 1, 20, 21, 40, 41, 60, 61, 80, 81, 100, 101]  # places 0 mod 10 of either label
    noisy = labels.copy()
    noisy[wrong] = 1 - noisy[wrong]
    weights = learn_weights(texts, noisy, 2, rounds=40)
    assert weights.min() >= 0 and weights.max() <= 1
    right = np.setdiff1d(np.flatnonzero(np.arange(240) // 2 % 4 != 3), wrong)
    assert weights[wrong].mean() < 0.6 * weights[right].mean()
    kept = resampled(noisy, weights, 60, seed=0)
    assert [noisy[place] for place in kept].count(0) == 60 and len(set(kept)) == 120


def test_sungen_keeps_weighted_rows(run):
    one = run("sungen", per_label=2)
    found = generate_baseline(one)
    assert found["pool"] <= 16 and counts(one) <= {1, 2}
    assert all(0 <= row.unknown["weight"] <= 1 for row in made(one))


def test_the_reverse_cross_entropy_by_hand():
    """Softmax of ln 3 and 0 is 3/4 and 1/4; ln 0 is -4, so the loss is 4 (1 - p)."""
    import torch

    logits = torch.tensor([[3.0, 1.0], [3.0, 1.0]]).log()
    loss = reverse_cross_entropy(logits, torch.tensor([0, 1]))
    assert float(loss) == pytest.approx(4 * (0.25 + 0.75) / 2)
    assert float(reverse_cross_entropy(logits[:1], torch.tensor([0]))) == pytest.approx(1)


def test_held_rows_get_the_mean_of_their_labels_others():
    weights, labels = np.array([0.2, 0.5, 0.9, 0.1, 0.7]), np.array([0, 0, 0, 1, 1])
    held = np.array([False, False, True, True, False])
    assert with_means(weights, labels, held).tolist() == pytest.approx([0.2, 0.5, 0.35, 0.7, 0.7])
