import json

import pytest
import torch
from lofit.heads.edits import ScaleHeads
from lofit.records import FitConfig
from lofit.training.loop import NotFiniteError, fit, step_plan
from lofit.training.losses import CompletionLoss
from lofit.training.supervised_forward import SupervisedForward
from tenpapers.models import AttentionLayout
from tenpapers.testing import tiny_model

from ..conftest import sequences


class Quadratic:
    """A loss whose minimum is known; it fails once at a step of one's choice."""

    def __init__(self, value, fail_at=None, kind=None):
        self.value, self.fail_at, self.kind, self.calls = value, fail_at, kind, 0
        self.lengths, self.identity = [1] * 8, "quadratic"
        self.forward = type("F", (), {"tokens": 0})()

    def prepare(self):
        pass

    def weight(self, indices):
        return len(indices)

    def loss(self, indices):
        self.calls += 1
        if self.calls == self.fail_at:
            if self.kind == "kill":
                raise KeyboardInterrupt
            return self.value.sum() * float("nan")
        return ((self.value - 3) ** 2).sum()


CONFIG = FitConfig(lr=0.1, epochs=10, batch_size=2, clip=100.0)


def test_every_epoch_is_a_permutation_and_lengths_go_together():
    lengths = [(7 * i) % 40 + 3 for i in range(50)]
    plan = step_plan(lengths, FitConfig(epochs=2, batch_size=4))
    half = len(plan) // 2
    for epoch in (plan[:half], plan[half:]):
        assert sorted(i for batch in epoch for i in batch) == list(range(50))
    spread = max(max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in plan)
    assert spread < 20
    assert plan == step_plan(lengths, FitConfig(epochs=2, batch_size=4))
    assert plan != step_plan(lengths, FitConfig(epochs=2, batch_size=4, seed=1))


def test_a_loss_that_is_not_finite_keeps_the_last_good_state(tmp_path):
    """The step is named."""
    value = torch.zeros(2, requires_grad=True)
    with pytest.raises(NotFiniteError, match=r"step 7 of 40"):
        fit({"v": value}, Quadratic(value, 7), CONFIG, state=tmp_path)
    reference = torch.zeros(2, requires_grad=True)
    with pytest.raises(KeyboardInterrupt):
        fit({"v": reference}, Quadratic(reference, 7, "kill"), CONFIG)
    assert value.isfinite().all() and torch.equal(value, reference)
    kept = json.loads((tmp_path / "state.json").read_text())
    assert len(kept["losses"]) == 6


class Slope(Quadratic):
    """A loss that rises by `slope` with every number; AdamW then moves a whole rate a step."""

    def __init__(self, value, slope):
        super().__init__(value)
        self.slope = slope

    def loss(self, indices):
        return self.slope * self.value.sum()


def test_the_rate_falls_in_a_straight_line_to_nothing():
    value = torch.tensor([0.7, -0.2], requires_grad=True)
    config = FitConfig(lr=0.1, epochs=2, batch_size=4, clip=100.0)  # four steps
    fit({"v": value}, Slope(value, 1.0), config)
    # 0.1 + 0.075 + 0.05 + 0.025; without the decay it would be 0.4.
    assert value.detach().tolist() == pytest.approx([0.7 - 0.25, -0.2 - 0.25], abs=1e-6)


def test_the_soft_threshold_is_lambda_times_the_rate():
    value = torch.tensor([0.5, -0.3, 0.1], requires_grad=True)
    config = FitConfig(lr=0.1, l1=2.0, l1_mode="prox", epochs=1, batch_size=8)  # one step
    fit({"v": value}, Slope(value, 0.0), config)
    assert value.detach().tolist() == pytest.approx([0.3, -0.1, 0.0], abs=1e-6)


@pytest.mark.filterwarnings("ignore:Error detected in SqrtBackward0")
def test_anomaly_mode_names_the_operation_and_changes_no_number():
    """sqrt at 0 has an infinite gradient; its product with 0 is the first NaN."""
    from dataclasses import replace

    class Root(Quadratic):
        def loss(self, indices):
            return (self.value * 0).sqrt().sum() * 0

    plain, watched = (torch.zeros(2, requires_grad=True) for _ in range(2))
    fit({"v": plain}, Quadratic(plain), CONFIG)
    fit({"v": watched}, Quadratic(watched), replace(CONFIG, debug_anomaly=True))
    assert torch.equal(plain, watched) and not torch.is_anomaly_enabled()
    value = torch.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="SqrtBackward0"):
        fit({"v": value}, Root(value), replace(CONFIG, debug_anomaly=True))


def test_gradients_of_parts_add_up_to_the_batch():
    """Parts of unlike weight: three tokens and two; the loss is a mean over all five."""
    found = []
    for micro in (None, 1, 2, 3):
        model = tiny_model("llama").requires_grad_(False)
        scale = torch.zeros(4, 4, 16, requires_grad=True)
        objective = CompletionLoss(SupervisedForward(model), sequences(6))
        with ScaleHeads(AttentionLayout.from_model(model), scale):
            config = FitConfig(lr=0.1, l1=0.01, epochs=1, batch_size=3, micro_batch=micro)
            log = fit({"scale": scale}, objective, config)
        found.append((scale.detach().clone(), log.losses))
    for scale, losses in found[1:]:
        assert losses == pytest.approx(found[0][1], abs=1e-5)
        assert torch.allclose(scale, found[0][0], atol=1e-4)


def test_the_loss_of_held_out_examples_is_told_before_and_after_every_epoch(tmp_path, monkeypatch):
    """One number that is fitted to 3; held out is its distance from 1."""
    value = torch.tensor([0.5], requires_grad=True)

    class Elsewhere(Quadratic):
        def loss(self, indices):
            return ((self.value - 1) ** 2).sum()

    config = FitConfig(lr=0.1, epochs=2, batch_size=4, clip=100.0)  # two steps an epoch
    log = fit({"v": value}, Quadratic(value), config, validation=Elsewhere(value))
    # AdamW moves by the rate: 0.1 and 0.075, then 0.05 and 0.025.
    assert log.validation == pytest.approx([0.25, 0.325**2, 0.25**2], abs=1e-3)


def test_a_killed_fit_goes_on_to_the_same_end(tmp_path, monkeypatch):
    monkeypatch.setattr("lofit.training.loop.SAVE_EVERY", 0.0)
    whole = torch.zeros(2, requires_grad=True)
    fit({"v": whole}, Quadratic(whole), CONFIG)
    value = torch.zeros(2, requires_grad=True)
    with pytest.raises(KeyboardInterrupt):
        fit({"v": value}, Quadratic(value, 20, "kill"), CONFIG, state=tmp_path)
    again = torch.zeros(2, requires_grad=True)
    log = fit({"v": again}, Quadratic(again), CONFIG, state=tmp_path)
    assert torch.allclose(again, whole, atol=1e-6) and len(log.losses) == 40
    assert not tmp_path.exists()


def test_the_state_of_another_fit_is_not_gone_on_from(tmp_path, monkeypatch):
    monkeypatch.setattr("lofit.training.loop.SAVE_EVERY", 0.0)
    value = torch.zeros(2, requires_grad=True)
    with pytest.raises(KeyboardInterrupt):
        fit({"v": value}, Quadratic(value, 20, "kill"), CONFIG, state=tmp_path, identity="a")
    again = torch.zeros(2, requires_grad=True)
    objective = Quadratic(again)
    fit({"v": again}, objective, CONFIG, state=tmp_path, identity="b")
    assert objective.calls == 40
