import math

import pytest
import torch
from lofit.records import TokenPair
from lofit.training.losses import CompletionLoss, PreferenceLoss, dpo_loss
from lofit.training.supervised_forward import SupervisedForward
from tenpapers.testing import tiny_model

from ..conftest import sequences


def test_dpo_is_the_formula_and_starts_at_ln_2():
    draw = torch.Generator().manual_seed(0)
    policy, reference = torch.randn(2, 20, 2, generator=draw, dtype=torch.float64) * 5
    for i in range(20):
        margin = float((policy[i, 0] - reference[i, 0]) - (policy[i, 1] - reference[i, 1]))
        expected = -math.log(1 / (1 + math.exp(-0.5 * margin)))
        assert float(dpo_loss(policy[i : i + 1], reference[i : i + 1], 0.5)) == pytest.approx(
            expected, abs=1e-7
        )
    model = tiny_model("llama").requires_grad_(False)
    pairs = [
        TokenPair(s.id, s, t) for s, t in zip(sequences(6), reversed(sequences(6)), strict=True)
    ]
    objective = PreferenceLoss(SupervisedForward(model), pairs, 0.5)
    calls = []
    plain = objective.forward.sequence_logprobs
    objective.forward.sequence_logprobs = lambda batch: calls.append(len(batch)) or plain(batch)
    objective.prepare()
    assert sum(calls) == 12  # every response once
    assert float(objective.loss(range(6))) == pytest.approx(math.log(2), abs=1e-6)


def test_dpo_is_a_mean_over_pairs():
    logits = torch.tensor([1.5, -0.25])
    policy = torch.tensor([[1.0, -1.0], [0.5, 0.25]])
    reference = torch.tensor([[0.25, -0.25], [0.25, -0.25]])
    margin = (policy - reference) @ torch.tensor([1.0, -1.0])
    assert torch.allclose(margin, torch.tensor([1.5, -0.25]))
    expected = -torch.nn.functional.logsigmoid(0.5 * logits).mean()
    assert torch.allclose(dpo_loss(policy, reference, 0.5), expected)


def test_the_loss_is_that_of_transformers():
    model = tiny_model("gemma2", head_dim=32, num_key_value_heads=2, final_logit_softcapping=5.0)
    batch = sequences(3)
    objective = CompletionLoss(SupervisedForward(model), batch)
    width = max(len(s.ids) for s in batch)
    ids = torch.tensor([list(s.ids) + [0] * (width - len(s.ids)) for s in batch])
    mask = torch.tensor([[1] * len(s.ids) + [0] * (width - len(s.ids)) for s in batch])
    labels = torch.full_like(ids, -100)
    for row, s in enumerate(batch):
        labels[row, s.start : len(s.ids)] = torch.tensor(s.ids[s.start :])
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        assert float(objective.loss(range(3))) == pytest.approx(float(expected), abs=1e-5)
