import math
from itertools import combinations
from typing import get_args

import pytest
from codeupdatearena import aggregate, pass_at_k
from codeupdatearena.records import Report
from codeupdatearena.scoring.criteria import CRITERIA, Criterion
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


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, -1), (5, 2, 0), (5, 6, 1), (5, -1, 1)])
def test_what_no_samples_can_be_is_no_number(n, c, k):
    with pytest.raises(ValueError, match=f"pass@{k} of {c} correct samples of {n}"):
        pass_at_k(n, c, k)


def test_a_criterion_is_one_entry():
    assert get_args(Criterion) == tuple(CRITERIA)


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
    reports[3] = reports[3].model_copy(update={"finish_reason": "length"})
    found = aggregate(reports, [1, 2])
    assert {k: v for k, v in found.items() if "interval" not in k} == {
        "n_instances": 2,
        "n_samples": 4,
        "n_empty": 1,
        "endings": {"length": 1},
        "failures": {"assert": 2},
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
    assert interval(one) == (50.0, 50.0)
    two = one | {f"[a.f]:[t]:[update-1]:[prog_syn-{i}]": 1.0 for i in range(50)}
    assert interval(two) == (50.0, 100.0)


def interval(values):
    return bootstrap_interval(values, {name: name.rpartition(":")[0] for name in values})


def test_ids_of_any_form_belong_to_the_update_that_their_report_names():
    """Twenty updates of one example each, half of them solved: 30 to 70, not 50 to 50."""
    reports = [
        report(0, 0, "1", "01"[i % 2], update_id=f"u{i}").model_copy(
            update={"prog_syn_id": f"floor/{i}", "exclusive": i % 2 == 0}
        )
        for i in range(20)
    ]
    found = aggregate(reports, [1])
    assert (found["UPass@1"], found["UPass@1_interval"]) == (50.0, (30.0, 70.0))
    nameless = [r.model_copy(update={"update_id": ""}) for r in reports]
    assert aggregate(nameless, [1])["UPass@1_interval"] == (30.0, 70.0)


def test_the_interval_holds_95_percent_of_the_means():
    """Of 16 updates 7 are solved: drawn means follow the binomial distribution of 16 and 7/16.

    Its quantiles of 2.5% and 97.5% are 3 and 11 of 16 (those of 5% and 95% are 4 and 10).
    """
    solved = {f"[a.f]:[t]:[update-{i}]:[prog_syn-0]": float(i < 7) for i in range(16)}
    assert interval(solved) == (100 * 3 / 16, 100 * 11 / 16)


def test_an_update_weighs_as_many_instances_as_it_has():
    """As above, but an unsolved update has two instances: j solved ones drawn give j / (32 - j)."""
    values = {
        f"[a.f]:[t]:[update-{i}]:[prog_syn-{j}]": float(i < 7)
        for i in range(16)
        for j in range(1 if i < 7 else 2)
    }
    assert interval(values) == (round(100 * 3 / 29, 4), round(100 * 11 / 21, 4))


def test_ks_out_of_range_are_told():
    with pytest.raises(UserError, match="pass@10 needs at least 10 samples"):
        check_ks([1, 10], 5)
