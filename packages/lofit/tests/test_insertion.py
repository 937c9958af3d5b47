"""Where scales and offsets act."""

import pytest
import torch
from lofit.heads.edits import OffsetHeads, ScaleHeads
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.merge import merged_bias, merged_weight
from lofit.serving.lofit_model import LofitModel
from lofit.speed.bench import HeadLoop
from safetensors.torch import load_file
from tenpapers.models import AttentionLayout, Head
from tenpapers.models.layout import HeadGeometry, Projection

from .conftest import tiny


def one_layer(weight):
    """A layout of one layer around a bare projection."""
    module = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    module.weight.data = weight
    geometry = HeadGeometry("bare", 1, 4, 4, 8, weight.shape[0])
    return AttentionLayout(geometry, (Projection("o_proj", module, "linear"),), (module,)), module


@pytest.mark.acceptance
@pytest.mark.parametrize("route", ["input", "output"])
def test_the_insertion_fixture(data, route):
    """Check 1."""
    fixed = load_file(data / "fixtures" / "insertion.safetensors")
    layout, projection = one_layer(fixed["W_o"])
    chosen = [(0, int(h)) for h in fixed["selected_heads"]]

    def close(a, b):
        return (a - b).abs().max() < 1e-12

    z = fixed["z"]
    assert close(projection(z), fixed["out_base"])
    with ScaleHeads(layout, fixed["A"][None]):
        assert close(projection(z), fixed["out_scaled"])
    heads = [head for _, head in chosen]
    # `v` of the fixture has a row a head; which rows act is what its own results say.
    acting = [
        h for h in range(4) if (fixed["z_offset"] - z)[..., h * 8 : h * 8 + 8].abs().max() > 0
    ]
    rows = fixed["v"][acting]
    assert set(heads) <= set(acting)
    with OffsetHeads(layout, [(0, h) for h in acting], rows, route=route):
        assert close(projection(z), fixed["out_offset"])
    v = torch.zeros(4, 8, dtype=torch.float64)
    v[acting] = rows
    assert close(z + v.flatten(), fixed["z_offset"])
    assert close(merged_bias(fixed["W_o"], v), fixed["merged_bias"])
    assert close(merged_weight(fixed["W_o"], fixed["A"]), fixed["merged_weight"])


def test_an_adapter_that_does_nothing_leaves_every_bit():
    """Check 5."""
    model = tiny("llama", num_key_value_heads=2)
    ids = torch.arange(3, 15)[None]
    base = model(ids).logits
    keys = list(model.state_dict())
    heads = [Head(1, 2), Head(3, 0)]
    zero = LofitAdapter.for_model(model.config, heads, torch.zeros(2, 16))
    assert torch.equal(LofitModel(model, zero)(ids).logits, base)
    adapted = LofitModel(model, LofitAdapter.for_model(model.config, heads, torch.ones(2, 16)))
    assert not torch.equal(adapted(ids).logits, base)
    adapted.set_scale(0)
    assert torch.equal(adapted(ids).logits, base)
    adapted.set_scale(1)
    with adapted.disable_adapter():
        assert torch.equal(adapted(ids).logits, base)
    assert not torch.equal(adapted(ids).logits, base)
    assert list(model.state_dict()) == keys
    module = AttentionLayout.from_model(model).projection(1).module
    assert len(module._forward_hooks) == 2  # the zero adapter's and this one's
    adapted.detach()
    assert len(module._forward_hooks) == 1 and not module._forward_pre_hooks


@pytest.mark.parametrize("kv", [8, 2])
@pytest.mark.parametrize("trained", ["scale", "offset"])
def test_one_fused_operation_equals_the_loop_over_heads(kv, trained):
    """Check 6: logits to 1e-6, gradients to 1e-5 relative, on a left-padded batch."""
    model = tiny("llama", num_attention_heads=8, num_key_value_heads=kv).requires_grad_(False)
    layout = AttentionLayout.from_model(model)
    ids = torch.randint(3, 200, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, :4] = 0
    draw = torch.Generator().manual_seed(1)
    start = 0.1 * torch.randn(4, 8, 8, generator=draw)
    results = []
    for way in ("ours", "loop"):
        if way == "ours":
            values = start.clone().requires_grad_(True)
            rows = values.view(32, 8)
            hooks = (
                ScaleHeads(layout, values)
                if trained == "scale"
                else OffsetHeads(layout, layout.all_heads(), rows)
            )
        else:
            hooks = HeadLoop(layout, trained=trained)
            for parameter, value in zip(hooks.parameters, start.view(32, 8), strict=True):
                parameter.data.copy_(value)
        with hooks:
            logits = model(ids, attention_mask=mask).logits
            logits[mask.bool()].square().mean().backward()
        gradient = (
            values.grad.view(32, 8)
            if way == "ours"
            else torch.stack([parameter.grad for parameter in hooks.parameters])
        )
        results.append((logits.detach()[mask.bool()], gradient))
    (ours, mine), (loop, theirs) = results
    assert (ours - loop).abs().max() <= 1e-6
    assert (mine - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_gemma_geometry():
    """Check 7: hidden 64, four heads of 32."""
    from lofit.heads.select import select_on_tokens
    from lofit.records import SelectConfig, TokenSequence

    model = tiny("gemma", head_dim=32, num_key_value_heads=4)
    data = [TokenSequence(str(i), (5, 6, 7 + i), 2) for i in range(4)]
    ranking = select_on_tokens(model, data, SelectConfig(epochs=1, batch_size=4))
    assert ranking.scale.shape == (4, 4, 32) and ranking.details["trainable"] == 4 * 4 * 32


def test_a_wrapped_model_generates_and_saves(tmp_path):
    model = tiny("llama")
    adapter = LofitAdapter.for_model(model.config, [Head(3, 1)], 3 * torch.ones(1, 16))
    adapted = LofitModel(model, adapter)
    ids = torch.tensor([[5, 6, 7]])
    made = adapted.generate(ids, max_new_tokens=3, do_sample=False, pad_token_id=0)
    assert made.shape[0] == 1 and adapted.config is model.config and adapted.device.type == "cpu"
    adapted.save_pretrained(tmp_path / "a")
    first = adapted(ids).logits
    again = LofitModel.from_pretrained(adapted.detach(), tmp_path / "a")
    assert torch.equal(again(ids).logits, first)
    merged = again.merge_and_unload()
    assert torch.allclose(merged(ids).logits, first, atol=1e-5)


def test_offsets_keep_less_for_the_backward_pass_than_lora():
    """Section 10: an added constant saves nothing; the bytes do not depend on the machine."""
    from lofit.speed.bench import time_steps, tiny_llama

    ids = torch.randint(1000, (2, 32), generator=torch.Generator().manual_seed(0))
    measured = time_steps(tiny_llama(8), ids, 1)
    kept = {name: size for name, (_, size) in measured.items()}
    assert kept["step 2, ours (3 % of heads, upper half)"] <= 0.85 * kept["peft LoRA r=8 q,v"]
    assert kept["step 1, ours (scales)"] < kept["step 1, per-head loop"]
