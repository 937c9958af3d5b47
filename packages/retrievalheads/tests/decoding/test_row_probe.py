"""Reading single attention rows and what goes into attention."""

import pytest
import torch
from retrievalheads.decoding.attention_watch import AttentionWatch
from retrievalheads.decoding.row_probe import RowProbe

TINY = {
    "vocab_size": 100,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
IDS = torch.randint(3, 100, (2, 30), generator=torch.Generator().manual_seed(0))


def tiny(kind="llama", **more):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(TINY | more)))
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval()


def eager(model, ids):
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        maps = model(ids, output_attentions=True, use_cache=False).attentions
    model.set_attn_implementation("sdpa")
    return torch.stack(maps, dim=1).argmax(-1)  # [B, L, H, n]


def test_rows_equal_eager_attention_in_one_pass_and_on_a_cache():
    model = tiny()
    wanted = eager(model, IDS)
    rows = torch.arange(20, 30).expand(2, -1)
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(rows)
        model(IDS, use_cache=False)
        assert torch.equal(probe.collect(), wanted[..., 20:].int())
        probe.arm(rows)
        cache = model(IDS[:, :24], use_cache=True).past_key_values
        model(IDS[:, 24:], past_key_values=cache)
        assert torch.equal(probe.collect(), wanted[..., 20:].int())


def test_rows_of_a_right_padded_batch_and_rows_that_are_not_there():
    model = tiny()
    short = eager(model, IDS[1:, :18])
    mask = torch.ones_like(IDS)
    mask[1, 18:] = 0
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.tensor([[28, 29], [17, -1]]))
        model(IDS, attention_mask=mask, use_cache=False)
        found = probe.collect()
        assert torch.equal(found[1, ..., 0], short[0, ..., 17].int())
        assert (found[1, ..., 1] == -1).all()
        mask[1] = mask[1].flip(0)
        probe.arm(torch.tensor([[29], [29]]))
        with pytest.raises(ValueError, match="padded on the right"):
            model(IDS, attention_mask=mask, use_cache=False)


def test_layers_with_and_without_a_window_and_passes_of_one_shape(monkeypatch):
    """Gemma 2's layers alternate; what is known of a pass is found once for each kind of layer."""
    from tenpapers.models import rows

    model = tiny("gemma2", sliding_window=8, head_dim=8, num_hidden_layers=4)
    wanted = eager(model, IDS)
    found = []
    made = rows._Pass.of.__func__
    monkeypatch.setattr(rows._Pass, "of", classmethod(lambda *a: found.append(0) or made(*a)))
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.arange(5, 30).expand(2, -1))
        model(IDS.flip(0), use_cache=False)
        model(IDS, use_cache=False)
        assert torch.equal(probe.collect(), wanted[..., 5:].int())
    assert len(found) == 4
    assert set(model.config.layer_types) == {"sliding_attention", "full_attention"}


def test_a_cropped_cache_is_read_anew():
    model = tiny()
    wanted = eager(model, IDS[:1])
    other = torch.cat([IDS[:1, :20], IDS[1:, 20:]], 1)
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.arange(20, 30)[None])
        cache = model(IDS[:1, :20], use_cache=True).past_key_values
        for ids in (other, IDS[:1]):
            model(ids[:, 20:], past_key_values=cache)
            cache.crop(-10)
        assert torch.equal(probe.collect(), wanted[..., 20:].int())


def test_watching_changes_nothing_and_shows_every_layer():
    model = tiny()
    with torch.inference_mode():
        plain = model(IDS).logits
        seen = []
        with AttentionWatch(model, seen.append):
            assert torch.equal(model(IDS).logits, plain)
    assert [one.layer for one in seen] == [0, 1, 2]
    assert seen[0].query.shape == (2, 4, 30, 8) and seen[0].key.shape == (2, 2, 30, 8)
    assert model.config._attn_implementation == "sdpa"


def test_watchers_nest_and_the_models_attention_comes_back():
    model = tiny()
    counts = [[], []]
    with AttentionWatch(model, counts[0].append):
        with AttentionWatch(model, counts[1].append):
            model(IDS)
        model(IDS)
    model(IDS)
    assert [len(c) for c in counts] == [6, 3]
    assert model.config._attn_implementation == "sdpa"
