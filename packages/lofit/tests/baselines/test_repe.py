from dataclasses import replace

import pytest
import torch
from lofit.baselines.load import load_intervention
from lofit.baselines.repe import default_window, fit_repe, reading_vectors
from lofit.heads.residual_hooks import LayerCapture
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..conftest import contrast


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
    hooks = again.attach(small.model, strength=3.0)
    with LayerCapture(layers) as capture, torch.no_grad():
        small.model(ids)
    hooks.remove()
    three = (1.5 * again.directions[1]).expand_as(second)
    assert torch.allclose(capture.states[1] - second, three, atol=1e-5)
    assert again.n_parameters == 64 and again.digest() == adapter.digest()
    with pytest.raises(UserError, match="window 3..9"):
        fit_repe(small.model, small.tokenizer, contrast(), window=(3, 9))
