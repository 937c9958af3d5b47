import numpy as np
import pytest
import torch
from lofit.baselines.load import load_intervention
from lofit.baselines.lora import fit_lora
from lofit.baselines.loreft import fit_reft
from lofit.baselines.red import fit_red
from lofit.records import FitConfig

from ..conftest import examples


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


def test_untrained_edits_are_none(small):
    """RED starts at s = 1, b = 0, and LoReFT at W = R: nothing changes."""
    ids = torch.arange(5, 12)[None]
    base = small.model(ids).logits
    for fitter in (fit_red, fit_reft):
        adapter, _ = fitter(small.model, small.tokenizer, examples(2), FitConfig(lr=0.0, epochs=1))
        hooks = adapter.attach(small.model)
        assert (small.model(ids).logits - base).abs().max() < 1e-4
        hooks.remove()
