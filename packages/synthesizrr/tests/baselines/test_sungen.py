import numpy as np
from synthesizrr.baselines.run import generate_baseline
from synthesizrr.baselines.sungen import learn_weights, resampled

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
