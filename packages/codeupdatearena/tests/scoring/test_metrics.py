import math
from itertools import combinations

import pytest
from codeupdatearena import aggregate, pass_at_k
from codeupdatearena.records import Report
from codeupdatearena.scoring.metrics import bootstrap_interval, check_ks
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [(5, 2, 1, 0.4), (5, 2, 2, 0.7), (5, 2, 5, 1.0), (5, 0, 5, 0.0), (10, 3, 5, 0.916667)],
)
def test_pass_at_k(n, c, k, value):
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=1e-6)


def test_a_k_above_n_is_not_a_number():
    assert math.isnan(pass_at_k(5, 0, 10))
    assert math.isnan(pass_at_k(5, 5, 10))


@given(st.integers(1, 8), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_correct_sample(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    draws = list(combinations(range(n), k))
    share = sum(min(draw) < c for draw in draws) / len(draws)
    assert pass_at_k(n, c, k) == pytest.approx(share)


def report(name, sample, new, old, **more):
    return Report(
        prog_syn_id=f"[a.f]:[add-argument]:[update-{name}]:[prog_syn-0]",
        sample=sample,
        with_update=["passed" if x == "1" else "assert" for x in new],
        without_update=["passed" if x == "1" else "assert" for x in old],
        all_pass_with="0" not in new,
        all_pass_without="0" not in old,
        exclusive="0" not in new and "0" in old,
        **more,
    )


def test_every_metric_by_hand():
    reports = [
        report(0, 0, "11", "00", called_update=True, strict=True),
        report(0, 1, "11", "11", called_update=False, strict=False),
        report(1, 0, "10", "11", called_update=False, strict=False),
        report(1, 1, "00", "00", called_update=False, strict=False, empty_code=True),
    ]
    found = aggregate(reports, [1, 2])
    assert {k: v for k, v in found.items() if "interval" not in k} == {
        "n_instances": 2,
        "n_samples": 4,
        "n_empty": 1,
        "pass@1": 50.0,
        "pass@2": 50.0,
        "UPass@1": 25.0,
        "UPass@2": 50.0,
        "UPass@1_strict": 25.0,
        "UPass@2_strict": 50.0,
        "undecidable_strict": 0,
        "UPass@1_called": 25.0,
        "UPass@2_called": 50.0,
        "pass_old@1": 50.0,
        "pass_old_excl@1": 25.0,
        "pass_old@2": 100.0,
        "pass_old_excl@2": 50.0,
        "unsolved": 25.0,
        "unsolved_official": 50.0,
        "both": 1,
        "accuracy_mean": 62.5,
        "accuracy_std": pytest.approx(41.4578, abs=1e-3),
        "affected": 2,
        "unaffected": 2,
    }


def test_a_run_that_stopped_early_has_no_diagnostics():
    early = report(0, 0, "11", "00").model_copy(update={"without_update": None})
    found = aggregate([early], [1])
    assert found["accuracy_mean"] is None and found["unsolved"] is None
    assert found["pass@1"] == 100.0


def test_the_interval_resamples_updates_not_instances():
    one = {f"[a.f]:[t]:[update-0]:[prog_syn-{i}]": float(i % 2) for i in range(50)}
    assert bootstrap_interval(one) == (50.0, 50.0)
    two = one | {f"[a.f]:[t]:[update-1]:[prog_syn-{i}]": 1.0 for i in range(50)}
    assert bootstrap_interval(two) == (50.0, 100.0)


def test_the_interval_holds_95_percent_of_the_means():
    """Of 16 updates 7 are solved: drawn means follow the binomial distribution of 16 and 7/16.

    Its quantiles of 2.5% and 97.5% are 3 and 11 of 16 (those of 5% and 95% are 4 and 10).
    """
    solved = {f"[a.f]:[t]:[update-{i}]:[prog_syn-0]": float(i < 7) for i in range(16)}
    assert bootstrap_interval(solved) == (100 * 3 / 16, 100 * 11 / 16)


def test_an_update_weighs_as_many_instances_as_it_has():
    """As above, but an unsolved update has two instances: j solved ones drawn give j / (32 - j)."""
    values = {
        f"[a.f]:[t]:[update-{i}]:[prog_syn-{j}]": float(i < 7)
        for i in range(16)
        for j in range(1 if i < 7 else 2)
    }
    assert bootstrap_interval(values) == (round(100 * 3 / 29, 4), round(100 * 11 / 21, 4))


def test_ks_out_of_range_are_told():
    with pytest.raises(UserError, match="pass@10 needs at least 10 samples"):
        check_ks([1, 10], 5)
