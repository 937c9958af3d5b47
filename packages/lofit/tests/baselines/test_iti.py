import numpy as np
import pytest
import torch
from lofit.baselines.iti import directions, fit_iti, head_vector
from lofit.baselines.load import load_intervention
from lofit.heads.probes import fit_probes
from lofit.scoring.evaluation import completions, intervened
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..conftest import contrast, separable


def test_directions_have_unit_length_and_the_mean_difference_finds_the_planted_one():
    activations, labels, way = separable()
    theta = directions(activations, labels.tolist(), "mass-mean")
    assert float(theta.view(32, -1)[13].double() @ torch.tensor(way)) > 0.95
    probes = fit_probes(activations[:80].flatten(1, 2), torch.tensor(labels[:80]))
    for kind in ("mass-mean", "probe", "random"):
        theta = directions(activations, labels.tolist(), kind, probes)
        assert torch.allclose(theta.norm(dim=-1), torch.ones(4, 8), atol=1e-5)


def test_sigma_is_the_deviation_of_the_activations_along_the_direction():
    along_and_across = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 2.0]])
    # Projections 0.6, 1.8 and 4.6: mean 2.333, deviation 2.0526 (with n - 1).
    vector = head_vector(along_and_across, torch.tensor([0.6, 0.8]), alpha=2.5)
    assert torch.allclose(vector, 2.5 * 2.05264 * torch.tensor([0.6, 0.8]), atol=1e-4)


def test_vectors_come_from_statements_and_their_sigma_from_tuning_activations(small, monkeypatch):
    draw = torch.Generator().manual_seed(4)
    statements = torch.randn(36, 4, 4, 16, generator=draw)  # 12 items of three answers
    tuning = 3 * torch.randn(12, 4, 4, 16, generator=draw)
    given = iter((statements, tuning))
    monkeypatch.setattr("lofit.baselines.iti.head_activations", lambda *a, **k: next(given))
    adapter, _ = fit_iti(small.model, small.tokenizer, contrast(), k=2, alpha=1.5)
    right = np.tile([True, True, False], 12)
    for (layer, head), vector in zip(adapter.heads, adapter.values.numpy(), strict=True):
        values = statements[:, layer, head].numpy()
        way = values[right].mean(0) - values[~right].mean(0)
        way /= np.linalg.norm(way)
        sigma = np.std(tuning[:, layer, head].numpy() @ way, ddof=1)
        assert vector == pytest.approx(1.5 * sigma * way, abs=1e-5)


def test_iti_takes_the_best_heads_and_alpha_scales_its_vectors(small, tmp_path):
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
    adapter, _ = fit_iti(small.model, small.tokenizer, contrast(), k=8, alpha=40.0)
    prompts = [f"The same beginning of all the prompts. Item {'x' * i}" for i in range(3)]

    def texts(lm, prompts):
        found = dict(completions(lm, prompts, max_tokens=6, share_prefix=False))
        return [found[number].text for number in range(len(prompts))]

    with intervened(small, adapter) as (edited, answer_only):
        assert answer_only is not None
        many = texts(edited, prompts)
        assert many == [texts(edited, [prompt])[0] for prompt in prompts]
        ids = small.tokenizer(prompts[0], return_tensors="pt")
        generated = edited.model.generate(**ids, max_new_tokens=6, do_sample=False)
        text = small.tokenizer.decode(
            generated[0, ids["input_ids"].shape[1] :], skip_special_tokens=True
        )
        assert text == many[0]
    assert texts(small, prompts) != many
