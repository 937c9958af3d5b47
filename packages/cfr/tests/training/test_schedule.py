import pytest
from cfr.training.schedule import optimiser, rate_factor
from cfr.training.settings import TrainSettings
from tenpapers.errors import UserError


def test_the_rate_rises_over_a_tenth_of_the_steps_and_falls_to_nothing():
    factors = [rate_factor(step, 20, warmup=0.1) for step in range(20)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[11] == pytest.approx(0.5)
    assert factors[19] == pytest.approx(1 / 18)


def test_a_lowest_ratio_and_a_constant_rate():
    assert rate_factor(19, 20, warmup=0.1, lowest=0.4) == pytest.approx(0.4 + 0.6 / 18)
    assert rate_factor(19, 20, warmup=0.1, schedule="constant") == 1.0
    assert rate_factor(0, 1, warmup=0.0) == 1.0


def test_the_optimiser_has_the_options_of_contriever():
    import torch

    made = optimiser([torch.zeros(2, requires_grad=True)], TrainSettings())
    assert made.defaults["betas"] == (0.9, 0.98)
    assert (made.defaults["eps"], made.defaults["weight_decay"]) == (1e-6, 0.01)
    assert made.defaults["lr"] == 1e-5


def test_scopes_have_rates_of_their_own_and_others_are_refused():
    assert (TrainSettings(scope="head").rate, TrainSettings(scope="head").decay) == (1e-3, 0.0)
    assert TrainSettings(scope="top-3").layers == 3
    assert TrainSettings(scope="lora", lr=0.2).rate == 0.2
    for scope in ("top-0", "top", "all"):
        with pytest.raises(UserError, match="full, top-N"):
            _ = TrainSettings(scope=scope).kind
