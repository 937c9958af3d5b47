"""ITI, RepE, LoRA, RED, LoReFT, the probes and the other selectors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lofit.baselines.common import load_intervention
from lofit.baselines.iti import Statements, directions, fit_iti, rank_by_probe
from lofit.baselines.lora import fit_lora
from lofit.baselines.loreft import fit_reft
from lofit.baselines.red import fit_red
from lofit.baselines.repe import default_window, fit_repe, reading_vectors
from lofit.heads.other_selectors import random_heads, rank_by
from lofit.heads.probes import fit_probes, probe_accuracy
from lofit.heads.residual_hooks import LayerCapture
from lofit.records import ContrastItem, FitConfig, SelectConfig, SFTExample
from lofit.scoring.side_effects import side_effects
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, CausalLM, HeadGeometry, load_causal_lm

from .conftest import tiny


@pytest.fixture(scope="module")
def small(tiny_folder):
    return load_causal_lm(f"hf:{tiny_folder}")


def contrast(n=12):
    return [
        ContrastItem(
            id=str(i), prompt=f"Q: item {i}? A:", positive=(" yes", " true"), negative=(f" no {i}",)
        )
        for i in range(n)
    ]


def examples(n=16):
    return [SFTExample(id=str(i), prompt=f"Q: item {i}? A:", completion=" yes") for i in range(n)]


def synthetic(n=400, heads=32, width=16, planted=13):
    """One separable head: classes three standard deviations apart along one direction."""
    draw = np.random.default_rng(0)
    labels = draw.integers(2, size=n)
    x = draw.normal(size=(n, heads, width))
    way = draw.normal(size=width)
    way /= np.linalg.norm(way)
    x[:, planted] += 3 * np.outer(labels - 0.5, way) * 2
    return torch.tensor(x, dtype=torch.float32).view(n, 4, 8, width), labels, way


def test_the_separable_head_is_first_and_its_direction_is_found():
    """Check 19."""
    x, labels, way = synthetic()
    accuracy, weights = rank_by_probe(x, labels.tolist(), np.arange(320), np.arange(320, 400))
    assert accuracy.argmax() == 13 and accuracy.ravel()[13] > 0.95
    theta = directions(x, labels.tolist(), "mass-mean")
    assert float(theta.view(32, -1)[13].double() @ torch.tensor(way)) > 0.95
    assert torch.allclose(theta.norm(dim=-1), torch.ones(4, 8))
    for kind in ("probe", "random"):
        found = directions(x, labels.tolist(), kind, weights)
        assert torch.allclose(found.norm(dim=-1), torch.ones(4, 8), atol=1e-5)


@pytest.mark.parametrize("n", [60, 400])
def test_batched_probes_agree_with_scikit_learn(n):
    """Check 19: accuracy within half a point on 99 % of heads; the weights themselves too."""
    sklearn = pytest.importorskip("sklearn.linear_model")
    x, labels, _ = synthetic(n)
    flat, y = x.flatten(1, 2), torch.tensor(labels)
    cut = int(0.8 * n)
    weights = fit_probes(flat[:cut], y[:cut])
    ours = probe_accuracy(weights, flat[cut:], y[cut:]).numpy()
    for head in range(32):
        reference = sklearn.LogisticRegression(C=1.0, max_iter=1000, tol=1e-8)
        reference.fit(flat[:cut, head].numpy(), labels[:cut])
        assert np.allclose(reference.coef_[0], weights[head, :-1], atol=2e-3)
        theirs = reference.score(flat[cut:, head].numpy(), labels[cut:])
        assert abs(theirs - ours[head]) <= 0.005 + 1e-9


def test_probes_survive_separable_classes():
    x = torch.cat([torch.full((20, 1, 4), 5.0), torch.full((20, 1, 4), -5.0)])
    y = torch.tensor([1] * 20 + [0] * 20)
    weights = fit_probes(x, y)
    assert weights.isfinite().all() and float(probe_accuracy(weights, x, y)[0]) == 1.0


def test_statements_are_split_by_question(small):
    statements = Statements(small.tokenizer, contrast(10))
    train, val = statements.split(0)
    owners = np.array(statements.owner)
    assert not set(owners[train]) & set(owners[val]) and len(set(owners[val])) == 2
    assert len(train) + len(val) == 30


def test_iti_is_alpha_sigma_theta_on_the_best_heads(small, tmp_path):
    layout = AttentionLayout.from_model(small.model)
    adapter, ranking = fit_iti(small.model, small.tokenizer, contrast(), k=3, alpha=2.0)
    double, _ = fit_iti(small.model, small.tokenizer, contrast(), k=3, alpha=4.0)
    assert adapter.heads == ranking.order[:3] and adapter.positions == "last"
    assert torch.allclose(double.values, 2 * adapter.values, atol=1e-6)
    assert adapter.values.shape == (3, layout.geometry.head_dim)
    adapter.save(tmp_path)
    assert load_intervention(tmp_path).positions == "last"
    with pytest.raises(UserError, match="K=99 outside"):
        fit_iti(small.model, small.tokenizer, contrast(), k=99)
    with pytest.raises(UserError, match="no labelled statements"):
        fit_iti(small.model, small.tokenizer, [], k=1)


def test_iti_edits_the_last_token_of_every_step(small):
    """Generation in left-padded batches equals single prompts, prefix sharing off."""
    from lofit.scoring.evaluate import generate_texts, intervened

    adapter, _ = fit_iti(small.model, small.tokenizer, contrast(), k=8, alpha=40.0)
    prompts = [(str(i), f"The same beginning of all the prompts. Item {'x' * i}") for i in range(3)]
    with intervened(small, adapter) as (edited, partial):
        assert partial is not None
        many = generate_texts(edited, prompts, max_tokens=6, share_prefix=False)
        single = [generate_texts(edited, [p], max_tokens=6, share_prefix=False)[0] for p in prompts]
        assert many == single
        ids = small.tokenizer(prompts[0][1], return_tensors="pt")
        made = edited.model.generate(**ids, max_new_tokens=6, do_sample=False)
        text = small.tokenizer.decode(
            made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True
        )
        assert text == many[0]
    assert generate_texts(small, prompts, max_tokens=6) != many


def test_reading_vectors_find_the_direction_of_a_difference():
    draw = torch.Generator().manual_seed(0)
    base = torch.randn(60, 3, 20, generator=draw)
    way = torch.nn.functional.normalize(torch.randn(3, 20, generator=draw), dim=-1)
    noise = 0.3 * torch.randn(60, 3, 20, generator=draw)
    found = reading_vectors(base + 4 * way + noise, base, seed=1)
    assert bool(((found * way).sum(-1) > 0.95).all())
    assert torch.allclose(found.norm(dim=-1), torch.ones(3), atol=1e-5)
    assert default_window(30) == (10, 20)


def test_repe_moves_the_residual_stream_in_its_window(small, tmp_path):
    adapter = fit_repe(small.model, small.tokenizer, contrast(), window=(1, 2), coefficient=0.5)
    adapter.save(tmp_path)
    again = load_intervention(tmp_path)
    ids = torch.arange(5, 12)[None]
    layers = AttentionLayout.from_model(small.model).layers
    states = []
    for strength in (0.0, 0.5):
        hooks = replace(again, coefficient=strength).attach(small.model)
        with LayerCapture(layers) as capture, torch.no_grad():
            small.model(ids)
        hooks.remove()
        states.append(capture.states)
    (first, second, *_), (same, moved, *_) = states
    assert torch.equal(first, same)
    assert torch.allclose(moved - second, (0.5 * again.directions[1]).expand_as(moved), atol=1e-5)
    assert again.n_parameters == 64 and again.digest() == adapter.digest()
    with pytest.raises(UserError, match="window 3..9"):
        fit_repe(small.model, small.tokenizer, contrast(), window=(3, 9))


@pytest.mark.parametrize("fitter", [fit_lora, fit_red, fit_reft])
def test_trained_baselines_learn_and_come_back_from_their_folder(small, tmp_path, fitter):
    model = small.model
    before = {n: v.clone() for n, v in model.state_dict().items()}
    config = FitConfig(lr=2e-2, epochs=4, batch_size=4)
    adapter, log = fitter(model, small.tokenizer, examples(), config)
    assert np.mean(log.losses[-4:]) < np.mean(log.losses[:4])
    after = model.state_dict()
    assert list(after) == list(before) and all(torch.equal(after[n], before[n]) for n in before)
    adapter.save(tmp_path)
    again = load_intervention(tmp_path)
    assert again.n_parameters == adapter.n_parameters == log.trainable
    ids = torch.arange(5, 12)[None]
    with torch.no_grad():
        base = model(ids).logits
        seen = []
        for intervention in (adapter, again):
            hooks = intervention.attach(model)
            seen.append(model(ids).logits)
            hooks.remove()
        assert torch.equal(model(ids).logits, base)
    assert torch.allclose(seen[0], seen[1], atol=1e-5)
    assert (seen[0] - base).abs().max() > 1e-3
    assert list(model.state_dict()) == list(before)


def test_a_lora_folder_is_pefts_own(small, tmp_path):
    from peft import PeftModel

    adapter, _ = fit_lora(small.model, small.tokenizer, examples(8), FitConfig(epochs=1))
    adapter.save(tmp_path)
    ids = torch.arange(5, 12)[None]
    hooks = adapter.attach(small.model)
    with torch.no_grad():
        ours = small.model(ids).logits
    hooks.remove()
    wrapped = PeftModel.from_pretrained(tiny_copy(small), str(tmp_path)).eval()
    with torch.no_grad():
        assert torch.allclose(wrapped(ids).logits, ours, atol=1e-5)


def tiny_copy(lm: CausalLM):
    import copy

    return copy.deepcopy(lm.model)


def test_untrained_edits_are_none(small):
    """RED starts at s = 1, b = 0, and LoReFT at W = R: nothing changes."""
    ids = torch.arange(5, 12)[None]
    base = small.model(ids).logits
    for fitter in (fit_red, fit_reft):
        adapter, _ = fitter(small.model, small.tokenizer, examples(2), FitConfig(lr=0.0, epochs=1))
        hooks = adapter.attach(small.model)
        assert (small.model(ids).logits - base).abs().max() < 1e-4
        hooks.remove()


@pytest.mark.parametrize("method", ["lofit", "random", "probe", "layer-probe", "bias"])
def test_every_selector_ranks_all_heads(small, method):
    config = SelectConfig(epochs=1, batch_size=8)
    found = rank_by(method, small.model, small.tokenizer, examples(8), contrast(), config)
    assert sorted(found.order) == [(i, j) for i in range(4) for j in range(4)]
    assert found.method == method and found.scores.shape == (4, 4)
    if method == "layer-probe":  # whole layers after one another
        layers = [head.layer for head in found.order]
        assert all(len(set(layers[i : i + 4])) == 1 for i in range(0, 16, 4))


def test_random_heads_are_a_draw_by_seed():
    shape = HeadGeometry("x", 4, 8, 8, 16, 128)
    assert random_heads(shape, 1).order == random_heads(shape, 1).order
    assert random_heads(shape, 1).order != random_heads(shape, 2).order
    assert len(set(random_heads(shape, 1).top(5))) == 5


def test_side_effects_of_nothing_and_of_something(small):
    from lofit.offsets.adapter import LofitAdapter
    from tenpapers.models import Head

    model = tiny("llama", vocab_size=small.model.config.vocab_size)
    lm = CausalLM(model, small.tokenizer, "tiny", "local")
    texts = ["A story about a dog and its friend.", "Rain fell on the town all day."]
    zero = LofitAdapter.for_model(model.config, [Head(1, 1)], torch.zeros(1, 16))
    found = side_effects(lm, zero, texts)
    assert found["ce_base"] == found["ce_adapted"] and found["kl"] == 0.0 and found["tokens"] > 8
    strong = LofitAdapter.for_model(model.config, [Head(1, 1)], 20 * torch.ones(1, 16))
    found = side_effects(lm, strong, texts)
    assert found["kl"] > 0 and found["ce_adapted"] != found["ce_base"]


def test_unknown_adapters_are_refused(tmp_path):
    with pytest.raises(UserError, match="no adapter in it"):
        load_intervention(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "VERA"}')
    with pytest.raises(UserError, match="VERA adapter"):
        load_intervention(tmp_path)
