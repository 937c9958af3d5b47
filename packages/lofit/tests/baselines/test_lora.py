import copy
from dataclasses import replace

import torch
from lofit.baselines.lora import fit_lora
from lofit.records import FitConfig
from peft import PeftModel

from ..conftest import examples


def test_a_lora_folder_is_pefts_own(small, tmp_path):
    adapter, _ = fit_lora(small.model, small.tokenizer, examples(8), FitConfig(epochs=1))
    adapter.save(tmp_path)
    ids = torch.arange(5, 12)[None]
    hooks = adapter.attach(small.model)
    with torch.no_grad():
        ours = small.model(ids).logits
    hooks.remove()
    wrapped = PeftModel.from_pretrained(copy.deepcopy(small.model), str(tmp_path)).eval()
    with torch.no_grad():
        assert torch.allclose(wrapped(ids).logits, ours, atol=1e-5)


def test_strength_scales_what_the_low_rank_factors_add(small):
    """Half the strength is the adapter of half the alpha; 0 is the base."""
    config = FitConfig(lr=2e-2, epochs=2, batch_size=4)
    adapter, _ = fit_lora(small.model, small.tokenizer, examples(8), config)
    halved = replace(adapter, config=copy.deepcopy(adapter.config))
    halved.config.lora_alpha = adapter.config.lora_alpha / 2
    ids = torch.arange(5, 12)[None]

    def logits(intervention, strength):
        hooks = intervention.attach(small.model, strength=strength)
        with torch.no_grad():
            found = small.model(ids).logits
        hooks.remove()
        return found

    with torch.no_grad():
        base = small.model(ids).logits
    assert torch.allclose(logits(adapter, 0.5), logits(halved, 1.0), atol=1e-6)
    assert torch.allclose(logits(adapter, 0.0), base, atol=1e-6)
    assert (logits(adapter, 1.0) - base).abs().max() > 1e-3
