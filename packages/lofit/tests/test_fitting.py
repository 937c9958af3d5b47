"""Both steps, their losses, and the loop."""

import hashlib
import json
import math

import numpy as np
import pytest
import torch
from lofit.heads.edits import OffsetHeads
from lofit.heads.select import select_on_tokens
from lofit.inputs.encoding import encode_examples, encode_pairs
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.tune import tune_on_tokens
from lofit.records import (
    FitConfig,
    PreferencePair,
    SelectConfig,
    SFTExample,
    TokenPair,
    TokenSequence,
    TuneConfig,
)
from lofit.training.loop import NotFiniteError, fit, step_plan
from lofit.training.losses import CompletionLoss, PreferenceLoss, dpo_loss
from lofit.training.supervised_forward import SupervisedForward
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, Head

from .conftest import tiny


def sequences(n=16, length=9, vocabulary=200, start=None):
    draw = torch.Generator().manual_seed(3)
    return [
        TokenSequence(
            str(i),
            tuple(torch.randint(3, vocabulary, (length + i % 3,), generator=draw).tolist()),
            start or length - 2,
        )
        for i in range(n)
    ]


@pytest.mark.parametrize("l1", [0.0, 1e-3, 5e-3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_step_1_finds_planted_heads(seed, l1):
    """Check 8: only four heads reach the residual stream; they are the top four, by far."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=200,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=8,
        head_dim=16,
    )
    model = LlamaForCausalLM(config).eval()
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            parameter.data.normal_(0, 0.15)
    planted = {Head(i // 8, i % 8) for i in torch.randperm(32)[:4].tolist()}
    for layer in range(4):
        for head in range(8):
            if (layer, head) not in planted:
                weight = model.model.layers[layer].self_attn.o_proj.weight
                weight.data[:, head * 16 : head * 16 + 16] = 0
    data = [
        TokenSequence(str(i), tuple(torch.randint(0, 200, (13,)).tolist()), 12) for i in range(64)
    ]
    found = select_on_tokens(model, data, SelectConfig(l1=l1, seed=seed))
    assert set(found.order[:4]) == planted
    others = [s for h, s in np.ndenumerate(found.scores) if h not in planted]
    assert min(found.scores[h] for h in planted) / max(others) >= 10


def test_dpo_is_the_formula_and_starts_at_ln_2():
    """Check 13."""
    draw = torch.Generator().manual_seed(0)
    policy, reference = torch.randn(2, 20, 2, generator=draw, dtype=torch.float64) * 5
    for i in range(20):
        margin = float((policy[i, 0] - reference[i, 0]) - (policy[i, 1] - reference[i, 1]))
        expected = -math.log(1 / (1 + math.exp(-0.5 * margin)))
        assert float(dpo_loss(policy[i : i + 1], reference[i : i + 1], 0.5)) == pytest.approx(
            expected, abs=1e-7
        )
    model = tiny("llama").requires_grad_(False)
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


def test_dpo_agrees_with_trl():
    """TRL computes the same number from the same log-probabilities."""
    trl = pytest.importorskip("trl")
    assert trl
    logits = torch.tensor([1.5, -0.25])
    policy = torch.tensor([[1.0, -1.0], [0.5, 0.25]])
    reference = torch.tensor([[0.25, -0.25], [0.25, -0.25]])
    margin = (policy - reference) @ torch.tensor([1.0, -1.0])
    assert torch.allclose(margin, torch.tensor([1.5, -0.25]))
    expected = -torch.nn.functional.logsigmoid(0.5 * logits).mean()
    assert torch.allclose(dpo_loss(policy, reference, 0.5), expected)


def test_the_number_of_supervised_tokens_does_not_depend_on_the_prompt(lm):
    """Check 14."""
    completion = " Karl Döhler"
    prompts = ["A:", "A", "a much longer prompt\n", "ends with a blank ", "?!"]
    made = encode_examples(
        lm.tokenizer, [SFTExample(id="1", prompt=p, completion=completion) for p in prompts]
    )
    n = len(lm.tokenizer(completion, add_special_tokens=False)["input_ids"])
    assert {one.supervised for one in made} == {n + 1}
    assert all(one.ids[-1] == lm.tokenizer.eos_token_id for one in made)
    long = SFTExample(id="long", prompt="word " * 500, completion=completion)
    (cut,) = encode_examples(lm.tokenizer, [long], max_length=50)
    assert len(cut.ids) == 50 and cut.truncated and cut.supervised == n + 1
    with pytest.raises(UserError, match=r"long: \d+ prompt tokens and \d+ completion tokens"):
        encode_examples(lm.tokenizer, [long], max_length=4)
    pair = PreferencePair(id="p", prompt="Q: x A:", chosen=" yes", rejected=" word" * 200)
    with pytest.raises(UserError, match="p: a response of 201 tokens"):
        encode_pairs(lm.tokenizer, [pair])


def test_a_tokenizer_without_an_end(lm):
    """Check 22."""
    import copy

    bare = copy.deepcopy(lm.tokenizer)
    bare.eos_token = None
    example = SFTExample(id="1", prompt="p", completion=" c")
    with pytest.raises(UserError, match="--eos-token"):
        encode_examples(bare, [example])
    (made,) = encode_examples(bare, [example], eos_token="<|im_end|>")
    assert made.ids[-1] == lm.tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_the_loss_is_that_of_transformers():
    model = tiny("gemma2", head_dim=32, num_key_value_heads=2, final_logit_softcapping=5.0)
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


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_starting_at_kept_states_gives_the_same_loss_and_gradient(kind):
    """Section 10: the cached loss matches to 1e-5."""
    model = tiny(kind, num_key_value_heads=2).requires_grad_(False)
    layout = AttentionLayout.from_model(model)
    batch = sequences(4)
    found = []
    for first in (None, 2):
        forward = SupervisedForward(model, first_layer=first)
        assert forward.first_layer == first
        v = torch.full((1, 16), 0.1, requires_grad=True)
        with OffsetHeads(layout, [(2, 1)], v):
            for _ in range(2):  # the second pass starts at layer 2
                v.grad = None
                loss = CompletionLoss(forward, batch).loss(range(4))
                loss.backward()
        found.append((float(loss.detach()), v.grad.clone()))
    assert len(model.model.layers) == 4
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)


@pytest.mark.parametrize("kind", ["gemma", "gpt2"])
def test_families_that_change_their_embeddings_are_not_restarted(kind):
    assert SupervisedForward(tiny(kind), first_layer=3).first_layer is None


def digest(model):
    state = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        state.update(name.encode() + value.numpy().tobytes())
    return state.hexdigest()


def test_only_the_offsets_change():
    """Check 15."""
    model = tiny("llama")
    before, wanted = digest(model), [p.requires_grad for p in model.parameters()]
    config = TuneConfig(lr=0.5, epochs=10, batch_size=16)  # every step sees all sixteen
    adapter, log = tune_on_tokens(model, sequences(), [(1, 2), (3, 0)], config)
    assert digest(model) == before and [p.requires_grad for p in model.parameters()] == wanted
    assert adapter.values.shape == (2, 16) and log.trainable == 32
    assert len(log.losses) == 10 and log.losses[-1] < log.losses[0]


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    """Check 16."""
    torch.set_num_threads(1)
    try:
        made = []
        for run, seed in enumerate((1, 1, 2)):
            model = tiny("llama")
            ranking = select_on_tokens(model, sequences(), SelectConfig(epochs=1, seed=seed))
            ranking.save(tmp_path / str(run), AttentionLayout.from_model(model).geometry)
            adapter, _ = tune_on_tokens(
                model, sequences(), ranking.top(2), TuneConfig(epochs=1, seed=seed)
            )
            adapter.save(tmp_path / str(run) / "adapter")
            files = (
                "heads.json",
                "adapter/adapter_model.safetensors",
                "adapter/adapter_config.json",
            )
            made.append([(tmp_path / str(run) / name).read_bytes() for name in files])
    finally:
        torch.set_num_threads(2)
    assert made[0] == made[1]
    assert made[0][0] != made[2][0] and made[0][1] != made[2][1]


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


class Quadratic:
    """A loss whose minimum is known; it fails once at a step of one's choice."""

    def __init__(self, value, fail_at=None, kind=None):
        self.value, self.fail_at, self.kind, self.calls = value, fail_at, kind, 0
        self.lengths, self.identity = [1] * 8, "quadratic"
        self.forward = type("F", (), {"tokens": 0})()

    def prepare(self):
        pass

    def loss(self, places):
        self.calls += 1
        if self.calls == self.fail_at:
            if self.kind == "kill":
                raise KeyboardInterrupt
            return self.value.sum() * float("nan")
        return ((self.value - 3) ** 2).sum()


CONFIG = FitConfig(lr=0.1, epochs=10, batch_size=2, clip=100.0)


def test_a_loss_that_is_not_finite_keeps_the_last_good_state(tmp_path):
    """Check 22: the step is named."""
    value = torch.zeros(2, requires_grad=True)
    with pytest.raises(NotFiniteError, match=r"step 7 of 40"):
        fit({"v": value}, Quadratic(value, 7), CONFIG, state=tmp_path)
    reference = torch.zeros(2, requires_grad=True)
    with pytest.raises(KeyboardInterrupt):
        fit({"v": reference}, Quadratic(reference, 7, "kill"), CONFIG)
    assert value.isfinite().all() and torch.equal(value, reference)
    kept = json.loads((tmp_path / "state.json").read_text())
    assert len(kept["losses"]) == 6


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


def test_the_proximal_step_gives_exact_zeros():
    model = tiny("llama")
    data = sequences(8)
    for mode, expected in (("loss", False), ("prox", True)):
        config = SelectConfig(l1=0.2, l1_mode=mode, epochs=2, batch_size=4)
        scale = select_on_tokens(model, data, config).scale
        assert bool((scale == 0).any()) is expected


def test_offsets_everywhere_rank_heads_too():
    ranking = select_on_tokens(
        tiny("llama"), sequences(), SelectConfig(epochs=1), component="offset"
    )
    assert ranking.method == "bias" and ranking.scale.shape == (4, 4, 16)
    assert len(ranking.order) == 16


def test_the_scales_of_step_1_work_as_an_adapter():
    """The keep-A ablation: attached scales lower the loss they were trained on."""
    model = tiny("llama").requires_grad_(False)
    data = sequences(8)
    ranking = select_on_tokens(model, data, SelectConfig(lr=5e-2, l1=0.0, epochs=5))
    adapter = LofitAdapter.for_model(model.config, ranking.order, ranking.scale, component="scale")
    objective = CompletionLoss(SupervisedForward(model), data)
    with torch.no_grad():
        base = float(objective.loss(range(8)))
        with adapter.attach(model):
            assert float(objective.loss(range(8))) < base
