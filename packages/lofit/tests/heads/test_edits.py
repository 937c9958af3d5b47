import pytest
import torch
from lofit.heads.edits import OffsetHeads, ScaleHeads
from lofit.offsets.merge import merged_bias, merged_weight
from lofit.speed.bench import HeadLoop
from safetensors.torch import load_file
from tenpapers.models import AttentionLayout, HeadCapture, HeadGeometry, UnsupportedModelError
from tenpapers.models.layout import Projection
from tenpapers.testing import tiny_model

SMALL = {"vocab_size": 60, "num_hidden_layers": 3}
FAMILIES = {
    "llama-mha": ("llama", {"num_key_value_heads": 4}),
    "llama-gqa": ("llama", {"num_key_value_heads": 2}),
    "mistral": ("mistral", {"num_key_value_heads": 2, "sliding_window": None}),
    "mixtral": ("mixtral", {"num_key_value_heads": 2, "num_local_experts": 2}),
    "qwen2": ("qwen2", {"num_key_value_heads": 2}),
    "qwen3": ("qwen3", {"num_key_value_heads": 2, "head_dim": 32}),
    "gemma": ("gemma", {"num_key_value_heads": 4, "head_dim": 32}),
    "gemma2": ("gemma2", {"num_key_value_heads": 2, "head_dim": 32}),
    "gemma3": ("gemma3_text", {"num_key_value_heads": 2, "head_dim": 32}),
    "olmo2": ("olmo2", {"num_key_value_heads": 4}),
    "phi3": ("phi3", {"num_key_value_heads": 4}),
    "phi": ("phi", {}),
    "gpt2": ("gpt2", {"n_positions": 64}),
    "gpt_neox": ("gpt_neox", {}),
    "opt": ("opt", {"ffn_dim": 96, "word_embed_proj_dim": 64}),
}


def tiny(name):
    kind, more = FAMILIES[name]
    return tiny_model(kind, **(SMALL | more))


def inputs():
    """Two texts, the second left-padded."""
    ids = torch.randint(3, 60, (2, 7), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}


def logits(model, **arguments):
    with torch.no_grad():
        accepted = dict(arguments)
        if model.config.model_type == "opt":  # computes its positions from the mask
            accepted.pop("position_ids", None)
        return model(**accepted).logits


@pytest.mark.parametrize("name", FAMILIES)
def test_the_layout_of_every_family_and_the_effect_of_an_edit(name):
    """An offset on the projection's input equals the row on its output; zero is bit-identical."""
    model = tiny(name)
    layout = AttentionLayout.from_model(model)
    shape = layout.geometry
    assert (shape.n_layers, shape.n_heads) == (3, 4)
    assert layout.projection(0).weight().shape == (shape.hidden_size, 4 * shape.head_dim)
    keys = list(model.state_dict())
    base = logits(model, **inputs())
    draw = torch.Generator().manual_seed(2)
    heads = [(2, 1), (0, 3), (2, 0)]
    values = torch.randn(3, shape.head_dim, generator=draw)
    seen = {}
    for route in ("input", "output"):
        with OffsetHeads(layout, heads, values, route=route) as edit:
            seen[route] = logits(model, **inputs())
            edit.strength = 0.0
            assert torch.equal(logits(model, **inputs()), base)
            assert list(model.state_dict()) == keys
    assert (seen["input"] - seen["output"]).abs().max() < 1e-5
    assert (seen["input"] - base).abs().max() > 1e-3
    with ScaleHeads(layout, torch.zeros(3, 4, shape.head_dim)):
        assert torch.equal(logits(model, **inputs()), base)
    module = layout.projection(0).module
    assert not module._forward_pre_hooks and not module._forward_hooks


@pytest.mark.parametrize("name", ["llama-gqa", "mistral", "qwen2", "gemma", "gpt2"])
def test_what_is_captured_is_what_the_projection_gets_with_cache_and_left_padding(name):
    model = tiny(name)
    layout = AttentionLayout.from_model(model)
    given = inputs()
    outputs = {}
    handle = layout.projection(1).module.register_forward_hook(
        lambda module, arguments, output: outputs.update(out=output.detach())
    )
    with HeadCapture(layout) as whole:
        logits(model, **given)
        z = whole.layer(1)
        assert whole.stack().shape == (2, 7, 3, 4, layout.geometry.head_dim)
        bias = layout.projection(1).module.bias
        made = z.flatten(2) @ layout.projection(1).weight().T + (0 if bias is None else bias)
        assert torch.allclose(made, outputs["out"], atol=1e-6)
    handle.remove()
    with HeadCapture(layout) as steps, torch.no_grad():
        mask, positions = given["attention_mask"], given["position_ids"]
        first = model(
            input_ids=given["input_ids"][:, :5],
            attention_mask=mask[:, :5],
            position_ids=positions[:, :5],
            use_cache=True,
        )
        past = first.past_key_values
        for t in (5, 6):
            past = model(
                input_ids=given["input_ids"][:, t : t + 1],
                attention_mask=mask[:, : t + 1],
                position_ids=positions[:, t : t + 1],
                past_key_values=past,
                use_cache=True,
            ).past_key_values
        assert torch.allclose(steps.layer(1), z, atol=1e-5)
        steps.clear()
    with HeadCapture(layout, positions="last") as last:
        logits(model, **given)
        assert torch.equal(last.layer(1), z[:, -1:])


def test_a_padded_row_is_edited_as_if_it_stood_alone():
    model = tiny("llama-gqa")
    layout = AttentionLayout.from_model(model)
    given = inputs()
    with OffsetHeads(layout, [(1, 2)], torch.ones(1, 16)):
        both = logits(model, **given)[1, -1]
        alone = logits(model, input_ids=given["input_ids"][1:, 3:])[0, -1]
    assert torch.allclose(both, alone, atol=1e-5)


def test_a_scope_edits_its_positions_only():
    model = tiny("llama-mha")
    layout = AttentionLayout.from_model(model)
    base = logits(model, **inputs())
    with OffsetHeads(layout, [(2, 0)], torch.ones(1, 16), scope=slice(-1, None)):
        edited = logits(model, **inputs())
    assert torch.equal(edited[:, :-1], base[:, :-1])
    assert (edited[:, -1] - base[:, -1]).abs().max() > 1e-3


def test_generation_with_a_cache_equals_recomputing_everything():
    model = tiny("llama-gqa")
    layout = AttentionLayout.from_model(model)
    ids = inputs()["input_ids"][:1]
    with OffsetHeads(layout, [(0, 1), (2, 3)], torch.ones(2, 16)):
        made = model.generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)
        again = ids
        for _ in range(6):
            again = torch.cat([again, logits(model, input_ids=again)[:, -1:].argmax(-1)], 1)
    assert torch.equal(made, again[:, : made.shape[1]])


def test_a_lora_wrapper_gets_the_offset_on_its_input():
    from peft import LoraConfig, get_peft_model

    model = tiny("llama-mha")
    wrapped = get_peft_model(
        model, LoraConfig(r=2, target_modules=["o_proj"], init_lora_weights=False)
    )
    layout = AttentionLayout.from_model(wrapped.get_base_model())
    v = torch.ones(1, 16)
    with OffsetHeads(layout, [(1, 1)], v):
        seen = logits(wrapped, **inputs())
    wrapped.merge_and_unload()
    plain = AttentionLayout.from_model(model)
    with OffsetHeads(plain, [(1, 1)], v):
        assert torch.allclose(logits(model, **inputs()), seen, atol=1e-4)


def test_weights_that_change_while_an_offset_is_on_count():
    """In place, replaced, or in another dtype: W_O v is made of W_O as it is now."""
    model = tiny("llama-gqa")
    layout = AttentionLayout.from_model(model)
    module = layout.projection(1).module
    with OffsetHeads(layout, [(1, 2), (1, 3), (1, 0)], torch.ones(3, 16), route="output"):
        for change in (
            lambda: module.weight.data.mul_(3),
            lambda: setattr(module, "weight", torch.nn.Parameter(-module.weight.detach())),
            lambda: model.double(),
        ):
            change()
            z = torch.zeros(1, 1, 64, dtype=module.weight.dtype)
            v = torch.ones(64, dtype=z.dtype)
            v[16:32] = 0
            assert torch.allclose(module(z)[0, 0], module.weight @ v, atol=1e-5)


def test_scales_of_a_percent_act_in_bfloat16():
    """1 + 0.003 is 1 in bfloat16; z + 0.003 z is right on the mean."""
    layout, projection = one_layer(torch.eye(32))
    projection.to(torch.bfloat16)
    z = (1 + torch.rand(1, 4000, 32, generator=torch.Generator().manual_seed(0))).bfloat16()
    with ScaleHeads(layout, torch.full((1, 4, 8), 0.003)):
        change = (projection(z).double() - z.double()) / z.double()
    assert float(change.mean()) == pytest.approx(0.003, rel=0.2)


def test_offloaded_layers_get_the_offset_on_their_input():
    from accelerate import cpu_offload

    model, ids = tiny("llama-gqa"), inputs()["input_ids"]
    with OffsetHeads(AttentionLayout.from_model(model), [(1, 2)], torch.ones(1, 16)):
        expected = logits(model, input_ids=ids)
    cpu_offload(model, execution_device=torch.device("cpu"))
    layout = AttentionLayout.from_model(model)
    assert layout.projection(1).module.weight.device.type == "meta"
    with OffsetHeads(layout, [(1, 2)], torch.ones(1, 16)):
        assert torch.allclose(logits(model, input_ids=ids), expected, atol=1e-5)


def test_gradient_checkpointing_keeps_the_gradients():
    model = tiny("llama-mha").requires_grad_(False)
    layout = AttentionLayout.from_model(model)
    found = []
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train(checkpointing)
        scale = torch.zeros(3, 4, 16, requires_grad=True)
        with ScaleHeads(layout, scale):
            model(**inputs(), use_cache=False).logits.square().mean().backward()
        found.append(scale.grad)
    assert torch.allclose(found[0], found[1], atol=1e-7) and found[0].abs().max() > 0


def test_errors_name_both_numbers_or_the_way_out():
    model = tiny("llama-mha")
    model.config.num_attention_heads = 5
    model.config.head_dim = 16
    with pytest.raises(UnsupportedModelError, match="takes 64 numbers, 5 heads of 16 are 80"):
        AttentionLayout.from_model(model)
    model = tiny("llama-mha")
    model.config.model_type = "novel"
    with pytest.raises(UnsupportedModelError, match="o-proj-pattern"):
        AttentionLayout.from_model(model)
    layout = AttentionLayout.from_model(
        model, o_proj_pattern=r"model\.layers\.\d+\.self_attn\.o_proj"
    )
    assert layout.attention_layers == [0, 1, 2]
    with pytest.raises(UnsupportedModelError, match=r"layer 0.*q_proj.*o_proj|layer 0"):
        AttentionLayout.from_model(model, o_proj_pattern=r".*\.(q|o)_proj")
    with pytest.raises(UnsupportedModelError, match="matches no module"):
        AttentionLayout.from_model(model, o_proj_pattern="nothing")
    with pytest.raises(UnsupportedModelError, match="no head 9 in layer 0"):
        OffsetHeads(layout, [(0, 9)], torch.ones(1, 16))


def test_a_layer_without_attention_keeps_its_number():
    model = tiny("llama-mha")
    model.config.model_type = "hybrid"
    layout = AttentionLayout.from_model(
        model, o_proj_pattern=r"model\.layers\.[02]\.self_attn\.o_proj"
    )
    assert layout.attention_layers == [0, 2] and len(layout.all_heads()) == 8
    with HeadCapture(layout) as capture:
        logits(model, **inputs())
        assert not capture.stack()[:, :, 1].any() and capture.stack()[:, :, 2].any()
    with pytest.raises(UnsupportedModelError, match="layer 1 has no softmax attention"):
        OffsetHeads(layout, [(1, 0)], torch.ones(1, 16))


def one_layer(weight):
    """A layout of one layer around a bare projection."""
    module = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    module.weight.data = weight
    geometry = HeadGeometry("bare", 1, 4, 4, 8, weight.shape[0])
    return AttentionLayout(geometry, (Projection("o_proj", module, "linear"),), (module,)), module


@pytest.mark.acceptance
@pytest.mark.parametrize("route", ["input", "output"])
def test_the_insertion_fixture(data, route):
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


@pytest.mark.parametrize("kv", [8, 2])
@pytest.mark.parametrize("trained", ["scale", "offset"])
def test_one_fused_operation_equals_the_loop_over_heads(kv, trained):
    """Logits to 1e-6, gradients to 1e-5 relative, on a left-padded batch."""
    model = tiny_model("llama", num_attention_heads=8, num_key_value_heads=kv).requires_grad_(False)
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
