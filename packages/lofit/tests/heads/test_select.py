import numpy as np
import pytest
import torch
from lofit.heads.select import select_on_tokens
from lofit.records import SelectConfig, TokenSequence
from tenpapers.models import Head
from tenpapers.testing import tiny_model
from transformers import LlamaConfig, LlamaForCausalLM

from ..conftest import sequences


@pytest.mark.parametrize("l1", [0.0, 1e-3, 5e-3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_step_1_finds_planted_heads(seed, l1):
    """Only four heads reach the residual stream; they are the top four, by far."""
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


def test_the_proximal_step_gives_exact_zeros():
    model = tiny_model("llama")
    data = sequences(8)
    for mode, expected in (("loss", False), ("prox", True)):
        config = SelectConfig(l1=0.2, l1_mode=mode, epochs=2, batch_size=4)
        scale = select_on_tokens(model, data, config).scale
        assert bool((scale == 0).any()) is expected


def test_offsets_everywhere_rank_heads_too():
    ranking = select_on_tokens(
        tiny_model("llama"), sequences(), SelectConfig(epochs=1), component="offset"
    )
    assert ranking.method == "bias" and ranking.scale.shape == (4, 4, 16)
    assert len(ranking.order) == 16


def test_gemma_geometry():
    """Hidden 64, four heads of 32."""
    model = tiny_model("gemma", head_dim=32, num_key_value_heads=4)
    data = [TokenSequence(str(i), (5, 6, 7 + i), 2) for i in range(4)]
    ranking = select_on_tokens(model, data, SelectConfig(epochs=1, batch_size=4))
    assert ranking.scale.shape == (4, 4, 32) and ranking.details["trainable"] == 4 * 4 * 32
