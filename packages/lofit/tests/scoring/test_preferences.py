import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from lofit.records import PreferencePair
from lofit.scoring.preferences import evaluate_preferences
from tenpapers.models import Head

PAIRS = [
    PreferencePair(id=str(i), prompt=f"Q: item {i}? A:", chosen=" yes", rejected=f" no {i}")
    for i in range(10)
]


def total(lm, prompt, response):
    """Log-probability of a response with its end, one forward over all."""
    tokenizer = lm.tokenizer
    ids = tokenizer(prompt)["input_ids"]
    whole = [*ids, *tokenizer(response)["input_ids"], tokenizer.eos_token_id]
    with torch.no_grad():
        steps = lm.model(torch.tensor([whole])).logits[0, :-1].log_softmax(-1)
    return sum(float(steps[i, whole[i + 1]]) for i in range(len(ids) - 1, len(whole) - 1))


def test_rewards_are_what_the_adapter_added(small):
    values = 3 * torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    adapter = LofitAdapter.for_model(small.model.config, [Head(3, 1), Head(1, 0)], values)
    found = evaluate_preferences(small, PAIRS, adapter, beta=0.5)
    margins = []
    for pair, row in zip(PAIRS, found.items, strict=True):
        base = [total(small, pair.prompt, text) for text in (pair.chosen, pair.rejected)]
        with adapter.attach(small.model):
            ours = [total(small, pair.prompt, text) for text in (pair.chosen, pair.rejected)]
        margins.append(0.5 * ((ours[0] - base[0]) - (ours[1] - base[1])))
        assert [row.chosen, row.rejected] == pytest.approx(ours, abs=1e-3)
        assert row.margin == pytest.approx(margins[-1], abs=1e-3)
    assert found.metrics["reward_margin"] == pytest.approx(sum(margins) / 10, abs=1e-3)
    assert found.metrics["reward_accuracy"] == 10 * sum(margin > 0 for margin in margins)
    assert found.n == 10


def test_without_an_adapter_there_is_no_reward(small):
    found = evaluate_preferences(small, PAIRS)
    assert set(found.metrics) == {"preferred"}
    likely = [total(small, p.prompt, p.chosen) > total(small, p.prompt, p.rejected) for p in PAIRS]
    assert found.metrics["preferred"] == 10 * sum(likely)


def test_an_edit_of_answers_only_begins_with_the_response(small):
    """At every position or from the response on: the prompt's last token is not edited."""
    values = 3 * torch.ones(1, 16)
    adapters = [
        LofitAdapter.for_model(small.model.config, [Head(0, 0)], values, positions=positions)
        for positions in ("all", "last")
    ]
    whole, answers = (evaluate_preferences(small, PAIRS[:2], adapter) for adapter in adapters)
    assert whole.items[0].chosen != pytest.approx(answers.items[0].chosen, abs=1e-3)
    assert answers.items[0].chosen != pytest.approx(answers.items[0].base_chosen, abs=1e-4)
