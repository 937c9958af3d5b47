"""Heads that are switched off."""

import pytest
import torch
from retrievalheads.heads.head_sets import ranked
from retrievalheads.interventions.knockout import Knockout, control_heads, knockout, mean_outputs
from retrievalheads.interventions.knockout_sweep import settings_for
from tenpapers.models import AttentionLayout

from ..conftest import IDS, logits, tiny


def test_no_head_off_is_bit_identical_and_a_layer_at_zero_has_no_attention():
    """k = 0 is bit-identical; a whole layer at zero is a layer without attention output."""
    model = tiny()
    base = logits(model)
    with knockout(model, []):
        assert torch.equal(logits(model), base)
    with knockout(model, [(1, h) for h in range(4)]):
        off = logits(model)
    projection = model.model.layers[1].self_attn.o_proj
    kept = projection.weight.data.clone()
    projection.weight.data.zero_()
    assert torch.allclose(off, logits(model), atol=1e-5)
    projection.weight.data = kept
    assert torch.equal(logits(model), base)


@pytest.mark.parametrize("padded", [False, True])
def test_uniform_is_the_running_mean_of_the_values(padded):
    """Over visible positions, padding left out, and never a future one."""
    model = tiny()
    mask = torch.ones_like(IDS)
    if padded:
        mask[1, :6] = 0
    taken = {}
    layout = AttentionLayout.from_model(model)
    projection = layout.projection(2).module
    value = model.model.layers[2].self_attn.v_proj
    hooks = [value.register_forward_hook(lambda m, i, o: taken.update(value=o))]
    with knockout(model, [(2, 1), (2, 3)], kind="uniform"):
        hooks.append(projection.register_forward_pre_hook(lambda m, i: taken.update(z=i[0])))
        logits(model, attention_mask=mask)
    for hook in hooks:
        hook.remove()
    heads = taken["z"].view(2, 24, 4, 16)
    values = taken["value"].view(2, 24, 2, 16)
    for head, group in ((1, 0), (3, 1)):
        for row in range(2):
            first = int((mask[row] == 0).sum())
            for place in range(first, 24):
                mean = values[row, first : place + 1, group].mean(0)
                assert torch.allclose(heads[row, place, head], mean, atol=1e-5)


@pytest.mark.parametrize("kind", ["zero", "uniform"])
def test_no_future_position_is_used(kind):
    """Changing token j leaves the logits before j alone; and a cache changes nothing."""
    model = tiny()
    other = IDS.clone()
    other[:, 15] = (other[:, 15] + 7) % 290 + 3
    with knockout(model, [(0, 0), (1, 2), (3, 1)], kind=kind):
        a, b = logits(model), logits(model, other)
        assert torch.allclose(a[:, :15], b[:, :15], atol=1e-6)
        with torch.inference_mode():
            past = model(IDS[:, :20], use_cache=True).past_key_values
            rest = model(IDS[:, 20:], past_key_values=past).logits
        assert torch.allclose(rest, a[:, 20:], atol=1e-5)


def test_decode_scope_edits_the_last_prompt_token_and_what_follows():
    model = tiny()
    base = logits(model)
    with knockout(model, [(1, 0), (2, 2)], scope="decode"):
        edited = logits(model)
        assert torch.allclose(edited[:, :-1], base[:, :-1], atol=1e-6)
        assert not torch.allclose(edited[:, -1], base[:, -1], atol=1e-3)
        single = logits(model, IDS[:, :1])
    with knockout(model, [(1, 0), (2, 2)]):
        assert torch.allclose(single, logits(model, IDS[:, :1]), atol=1e-6)


def test_settings_side_by_side_equal_one_after_the_other():
    model = tiny()
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, 1, 0] = masks[1, 3, 2] = True
    for kind in ("zero", "uniform"):
        with Knockout(model, masks, kind=kind):
            both = logits(model)
        for row, head in enumerate([(1, 0), (3, 2)]):
            with knockout(model, [head], kind=kind):
                assert torch.allclose(both[row], logits(model)[row], atol=1e-5)


def test_mean_outputs_replace_a_head():
    model = tiny()
    means = mean_outputs(model, [IDS[0].tolist(), IDS[1].tolist()])
    assert means.shape == (4, 4, 16)
    with knockout(model, [(0, 1)], kind="mean", means=means):
        assert not torch.allclose(logits(model), tiny()(IDS).logits, atol=1e-4)
    with pytest.raises(ValueError, match="mean outputs"), knockout(model, [(0, 1)], kind="mean"):
        pass


def test_bad_head_lists_name_the_shape():
    model = tiny()
    for heads, told in [([(4, 0)], "4 x 4"), ([(0, 4)], "4 x 4"), ([(1, 1), (1, 1)], "twice")]:
        with pytest.raises(ValueError, match=told), knockout(model, heads):
            pass


def test_controls_are_never_of_the_threshold_set():
    """More heads pass the threshold than the 100 best that are left out in any case."""
    scores = torch.full((12, 20), 0.05)
    scores.view(-1)[:130] = 0.4
    drawn = control_heads(scores, 110, 7, threshold=0.1)
    assert drawn == [(layer, head) for layer in range(12) for head in range(20)][130:]
    with pytest.raises(ValueError, match="pool has 110"):
        control_heads(scores, 111, 7, threshold=0.1)


def test_controls_come_from_outside_and_the_pool_is_told():
    scores = torch.zeros(8, 32)
    scores[2, :5] = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5])
    top = {entry[:2] for entry in ranked(scores)[:100]}
    drawn = control_heads(scores, 20, 1, threshold=0.1)
    assert len(set(drawn)) == 20 and not top & set(drawn)
    assert drawn == control_heads(scores, 20, 1, threshold=0.1)
    with pytest.raises(ValueError, match="pool has 156"):
        control_heads(scores, 157, 0, threshold=0.1)
    assert len(settings_for(scores, [0, 5], [0, 1], threshold=0.1)) == 4
    scores[5] = torch.linspace(0.01, 0.02, 32)
    matched = control_heads(scores, 3, 0, threshold=0.1, match_layers=True)
    assert [layer for layer, _ in matched] == [2, 2, 2]
