import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenpapers.errors import UserError
from tocot.scoring.paired_tests import bootstrap_paired, discordant, mcnemar, paired_t


def arms(cot_only, direct_only, n):
    a, b = np.zeros(n), np.zeros(n)
    b[:cot_only] = 1
    a[cot_only : cot_only + direct_only] = 1
    return a, b


@pytest.mark.parametrize(
    ("cot_only", "direct_only", "n", "p", "tolerance"),
    [
        (94, 68, 491, 0.022, 0.001),
        (25, 9, 123, 0.0032, 0.0005),
        (60, 93, 597, 1.0, 0),
        (228, 23, 687, 1e-6, 1e-6),
    ],
)
def test_p_values_of_the_recorded_tasks(cot_only, direct_only, n, p, tolerance):
    """Svamp, aqua, csqa, gsm8k."""
    found = bootstrap_paired(*arms(cot_only, direct_only, n))
    assert found.p == pytest.approx(p, abs=tolerance)
    assert found.delta == pytest.approx((cot_only - direct_only) / n)
    assert found.ci_low < found.delta < found.ci_high


def test_identical_arms_and_no_items():
    a = np.array([0.0, 1, 1])
    found = bootstrap_paired(a, a, 1000)
    assert (found.delta, found.p) == (0, 1.0)
    assert bootstrap_paired(np.array([]), np.array([])).p is None
    with pytest.raises(UserError, match="arms of 1 and 2"):
        bootstrap_paired(np.zeros(1), np.zeros(2))


@settings(max_examples=20)
@given(st.integers(0, 20), st.integers(0, 20), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(cot_only, direct_only, source):
    a, b = arms(cot_only, direct_only, 50)
    order = list(range(50))
    source.shuffle(order)
    assert bootstrap_paired(a, b, 2000, seed=1) == bootstrap_paired(
        a[order], b[order], 2000, seed=1
    )


def test_multinomial_counts_equal_resampled_items():
    """The shortcut against the textbook loop."""
    rng = np.random.default_rng(0)
    a = rng.choice([0, 1 / 3, 1], size=60)
    b = rng.choice([0, 1 / 3, 1, 1], size=60)
    found = bootstrap_paired(a, b, 100_000, seed=3)
    d = b - a
    means = d[rng.integers(0, 60, size=(20_000, 60))].mean(axis=1)
    assert found.ci_low == pytest.approx(np.quantile(means, 0.025), abs=0.01)
    assert found.ci_high == pytest.approx(np.quantile(means, 0.975), abs=0.01)
    assert found.p == pytest.approx(np.mean(means >= 2 * d.mean()), abs=0.01)


def test_other_tests():
    assert mcnemar(5, 0) == pytest.approx(1 / 32) and mcnemar(0, 0) == 1
    assert paired_t([1.0]) is None and paired_t([1.0, 2.0, 3.0]) == pytest.approx(0.0742, abs=1e-3)
    assert discordant(*arms(3, 2, 9)) == (3, 2)
    direct, cot = np.array([0.2, 0.2, 1, 1, 0]), np.array([0, 1, 0.2, 1, 0.2])
    assert discordant(direct, cot) == (1, 1)  # shares of a guess are no right answers
