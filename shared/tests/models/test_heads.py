import pytest
import torch
from tenpapers.models import AttentionLayout, HeadCapture
from tenpapers.testing import tiny_model

FAMILIES = {
    "llama": {"num_key_value_heads": 2},
    "gemma": {"num_key_value_heads": 4, "head_dim": 32},
    "gpt2": {},
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return tiny_model(request.param, **FAMILIES[request.param])


def inputs():
    """Two texts, the second left-padded."""
    ids = torch.randint(3, 300, (2, 6), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(1) - 1).clamp(min=0),
    }


@torch.no_grad()
def test_what_is_captured_is_what_the_projection_gets(model):
    """Its input, times its weight, is its output; heads lie side by side."""
    layout = AttentionLayout.from_model(model)
    projection, outputs = layout.projection(2), []
    watch = projection.module.register_forward_hook(lambda *call: outputs.append(call[2]))
    with HeadCapture(layout) as capture:
        model(**inputs())
    watch.remove()
    z = capture.layer(2)
    assert z.shape == (2, 6, 4, layout.geometry.head_dim)
    bias = 0 if projection.module.bias is None else projection.module.bias
    assert torch.allclose(z.flatten(2) @ projection.weight().T + bias, outputs[0], atol=1e-6)
    assert capture.stack()[:, :, 2].equal(z)
    assert capture.stack().shape == (2, 6, 4, 4, layout.geometry.head_dim)


@torch.no_grad()
def test_decoding_steps_are_appended_until_they_are_forgotten(model):
    """A prefill of four tokens and two steps give what one pass over all six gives."""
    layout, given = AttentionLayout.from_model(model), inputs()
    with HeadCapture(layout) as whole:
        model(**given)
    with HeadCapture(layout) as steps:
        past = None
        for start, stop in ((0, 4), (4, 5), (5, 6)):
            past = model(
                input_ids=given["input_ids"][:, start:stop],
                attention_mask=given["attention_mask"][:, :stop],
                position_ids=given["position_ids"][:, start:stop],
                past_key_values=past,
                use_cache=True,
            ).past_key_values
        assert torch.allclose(steps.stack(), whole.stack(), atol=1e-5)
        steps.clear()
        model(**given)
        assert steps.stack().equal(whole.stack())


@torch.no_grad()
def test_only_last_tokens_are_kept_if_they_are_all_that_is_wanted(model):
    layout = AttentionLayout.from_model(model)
    with HeadCapture(layout) as whole, HeadCapture(layout, positions="last") as last:
        model(**inputs())
    assert last.stack().equal(whole.stack()[:, -1:])


@torch.no_grad()
def test_what_is_put_on_comes_off_and_the_model_stays_what_it_was(model):
    layout = AttentionLayout.from_model(model)
    before = model(**inputs()).logits
    with HeadCapture(layout) as capture:
        assert model(**inputs()).logits.equal(before)
    model(**inputs())
    assert capture.layer(0).shape[1] == 6  # nothing is recorded any more
    capture.remove()  # a second time does nothing
    assert not any(p.module._forward_pre_hooks for p in layout.projections)


@torch.no_grad()
def test_a_layer_without_attention_is_zero():
    model = tiny_model("llama")
    pattern = r"model\.layers\.[02]\.self_attn\.o_proj"
    with HeadCapture(AttentionLayout.from_model(model, o_proj_pattern=pattern)) as capture:
        model(**inputs())
    seen = capture.stack().abs().sum((0, 1, 3, 4))
    assert (seen > 0).tolist() == [True, False, True, False]
