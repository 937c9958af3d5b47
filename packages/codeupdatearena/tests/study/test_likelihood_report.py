import pytest
from codeupdatearena.study.likelihood_part import ARMS, Likelihood, choose, complete_at
from codeupdatearena.study.likelihood_report import (
    Effect,
    effect,
    effects,
    likelihood_table,
    mean_interval,
    sentence,
)


def measured(name, rate, seed=42, **call_tokens):
    """Likelihoods of every arm on one example; what is not named is 1.5 nats."""
    return [
        Likelihood(
            prog_syn_id=name,
            update_type="add-argument",
            arm=arm,
            learning_rate=rate if "ft-" in arm else 0.0,
            seed=seed if "ft-" in arm else 0,
            per_token=0.5,
            call_tokens=call_tokens.get(arm.replace("-", "_"), 1.5),
            n_call_tokens=4,
            trained_tokens=0,
            seconds=0.1,
        )
        for arm in ARMS
    ]


TWO = measured("a", 0.01, ft_u=1.4, ft_ps=0.8) + measured("b", 0.01, ft_u=1.2, ft_ps=1.0)


def test_an_effect_is_the_mean_gap_between_two_arms():
    found = effect(TWO, 0.01, "ft-ps", "ft-u", seed=1)
    assert found is not None
    # Gaps of 0.6 and 0.2: two draws of two give means of 0.2, 0.4 and 0.6.
    assert found.difference == pytest.approx(0.4) and found.n == 2
    assert (found.low, found.high) == (pytest.approx(0.2), pytest.approx(0.6))
    assert effect(TWO, 0.001, "ft-ps", "ft-u", seed=1) is None


def test_the_interval_of_a_mean_holds_95_percent():
    """Of 16 values 7 are one: the quantiles of the drawn means are 3 and 11 of 16."""
    assert mean_interval([1.0] * 7 + [0.0] * 9, 0) == (3 / 16, 11 / 16)
    assert mean_interval([0.3], 0) is None


def test_one_update_shows_nothing():
    found = effects(measured("a", 0.01, ft_ps=0.8), 0.01, 1)
    assert found[0][:6] == ("ft-ps", "ft-u", pytest.approx(0.7), None, None, 1)
    assert "FT(PS) cannot be told from FT(U) (difference +0.70 nats, n = 1)" in sentence(
        found, 0.01
    )


def test_five_updates_are_tendencies_however_narrow_their_interval():
    text = sentence([Effect("ft-ps", "ft-u", 0.2, 0.1, 0.3, 5)], 0.01)
    assert "FT(PS) cannot be told from FT(U)" in text
    assert text.endswith("n = 5). Fewer than 6 updates decide nothing: these are tendencies.")


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.1, 0.5, "is below"), (-0.5, -0.1, "is ABOVE"), (-0.1, 0.4, "cannot be told from")],
)
def test_the_sentence_says_which_order_showed(low, high, told):
    text = sentence([Effect("ft-ps", "ft-u", 0.2, low, high, 6)], 0.01)
    assert text == (
        f"Call-token NLL at learning rate 0.01: FT(PS) {told} FT(U) (difference +0.20 nats, 95% "
        f"interval {low:+.2f} to {high:+.2f}, n = 6)."
    )


def test_examples_with_all_arms_count_and_the_table_has_their_means():
    some = TWO + measured("c", 0.01)[:3]
    assert complete_at(some, 0.01) == ["a", "b"]
    rows = {row[0]: row[1:] for row in likelihood_table(some, [0.01]).rows}
    assert rows["FT(PS)"] == [0.5, pytest.approx(0.9), 0.0]
    assert rows["base"] == [0.5, 1.5, None]


def test_what_a_second_seed_turns_round_is_not_told():
    """By the mean of both seeds FT(PS) is below for all six; by the second for three of them."""
    turned = [
        row
        for names, first, second in (("abc", 1.0, 1.3), ("def", 0.9, 1.6))
        for name in names
        for row in (
            *measured(name, 0.01, ft_ps=first),
            *measured(name, 0.01, seed=43, ft_ps=second)[2:],
        )
    ]
    found = effect(turned, 0.01, "ft-ps", "ft-u", seed=1)
    # Gaps of 0.35 and 0.25, and by the second seed of 0.2 and -0.1: of six draws one to five.
    assert found is not None and found.low == pytest.approx((0.35 + 5 * 0.25) / 6)
    assert found.by_seed[1] == (pytest.approx(0.05), pytest.approx(-0.05), pytest.approx(0.15))
    assert not found.below and not found.never_below
    assert "FT(PS) cannot be told from FT(U)" in sentence([found], 0.01)
    assert "n = 6; by seed +0.55, +0.05" in found.numbers
    rows = {row[0]: row[1:] for row in likelihood_table(turned, [0.01]).rows}
    assert rows["FT(PS)"] == [0.5, pytest.approx(1.2), pytest.approx(0.5)]


def test_the_chosen_examples_are_of_distinct_functions_and_mixed_types(mini):
    chosen = choose(mini)
    paths = [example.update.function_path for example in chosen]
    assert len(paths) == len(set(paths)) > 1
    assert {path.partition(".")[0] for path in paths} <= {"math", "re", "itertools"}
