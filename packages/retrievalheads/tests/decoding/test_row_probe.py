"""Reading single attention rows: against eager attention, in one pass, on a cache, padded."""

import pytest
import torch
from retrievalheads.decoding.row_probe import RowProbe

from ..conftest import eager_tops, tiny

IDS = torch.randint(3, 300, (2, 30), generator=torch.Generator().manual_seed(0))


def eager(model, ids):
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        maps = model(ids, output_attentions=True, use_cache=False).attentions
    model.set_attn_implementation(before)
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
    from retrievalheads.decoding import row_probe

    model = tiny("gemma2", sliding_window=8, head_dim=8, num_hidden_layers=4)
    model.set_attn_implementation("eager")
    wanted = eager(model, IDS)
    found = []
    made = row_probe._Pass.of.__func__
    monkeypatch.setattr(row_probe._Pass, "of", classmethod(lambda *a: found.append(0) or made(*a)))
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


def all_rows(model, ids):
    """Where every row attends by the probe, [L, H, n]."""
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.arange(len(ids))[None])
        model(ids[None], use_cache=False)
        return probe.collect()[0]


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "gemma", "gpt2", "gpt_neox"])
def test_rows_of_other_architectures(kind):
    more = {"n_positions": 4096, "n_embd": 64, "n_layer": 4, "n_head": 4} if kind == "gpt2" else {}
    more |= {"head_dim": 24} if kind == "gemma" else {}
    more |= {"sliding_window": None} if kind == "mistral" else {}
    model = tiny(kind, **more)
    ids = torch.randint(3, 300, (40,))
    top, tie = eager_tops(model, ids)
    assert ((all_rows(model, ids) == top) | tie).all()


def test_a_sliding_window_hides_what_lies_before_it():
    model = tiny("mistral", sliding_window=8)
    ids = torch.randint(3, 300, (40,))
    top, tie = eager_tops(model, ids)
    places = all_rows(model, ids)
    assert ((places == top) | tie).all()
    assert (torch.arange(40) - places < 8).all()


def test_keys_in_blocks_give_the_same(monkeypatch):
    model = tiny()
    ids = torch.randint(3, 300, (1, 50))
    found = []
    for numbers in (32_000_000, 400):
        monkeypatch.setattr("retrievalheads.decoding.row_probe.BLOCK_NUMBERS", numbers)
        with RowProbe(model) as probe, torch.inference_mode():
            probe.arm(torch.arange(10, 50)[None])
            model(ids, use_cache=False)
            found.append(probe.collect())
    assert torch.equal(*found)


def test_left_padding_is_refused():
    model = tiny()
    ids = torch.randint(3, 300, (2, 12))
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.tensor([[11], [11]]))
        with pytest.raises(ValueError, match="padded on the right"):
            model(ids, attention_mask=mask)


def test_merged_and_unmerged_adapters_give_the_same_rows(toy):
    """PEFT: identical argmax in at least 99.5 % of rows."""
    from copy import deepcopy

    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    wrapped = get_peft_model(
        deepcopy(toy.model),
        LoraConfig(r=4, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
    ).eval()
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    ids = torch.randint(3, 120, (1, 60))
    found = []
    for model in (wrapped, deepcopy(wrapped).merge_and_unload()):
        with RowProbe(model) as probe, torch.inference_mode():
            probe.arm(torch.arange(60)[None])
            model(ids, use_cache=False)
            found.append(probe.collect())
    assert (found[0] == found[1]).float().mean() >= 0.995
