"""Seeing what goes into attention."""

import pytest
import torch
from retrievalheads.decoding.attention_watch import AttentionWatch
from retrievalheads.decoding.row_probe import RowProbe
from tenpapers.errors import UserError

from ..conftest import IDS, tiny

# Architectures whose attention has more than scaled dot products: windows, caps, sinks, a scale.
KINDS = {
    "llama": {},
    "mistral": {"sliding_window": 8},
    "gemma2": {"sliding_window": 8, "head_dim": 8, "attn_logit_softcapping": 0.5},
    "gemma3_text": {"sliding_window": 8, "head_dim": 16},
    "gpt_oss": {"sliding_window": 8, "head_dim": 16, "num_local_experts": 4},
    "phi3": {"sliding_window": 8},
    "granite": {"attention_multiplier": 2.0},
}


def of_kind(kind, **more):
    model = tiny(kind, **(KINDS[kind] | more))
    if kind == "gemma2":
        model.set_attn_implementation("eager")
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_watching_changes_nothing_and_shows_every_layer(kind):
    model = of_kind(kind)
    before = model.config._attn_implementation
    with torch.inference_mode():
        plain = model(IDS).logits
        seen = []
        with AttentionWatch(model, seen.append):
            assert torch.equal(model(IDS).logits, plain)
    assert [shown.layer for shown in seen] == [0, 1, 2, 3]
    assert seen[0].query.shape[:3] == (2, 4, 24) and seen[0].key.shape[:3] == (2, 2, 24)
    assert model.config._attn_implementation == before


def test_a_cap_that_the_attention_leaves_out_is_refused():
    model = of_kind("gemma2")
    model.set_attn_implementation("sdpa")
    with pytest.raises(UserError, match="gemma2: caps its attention logits, SDPA leaves that out"):
        AttentionWatch(model, print)
    assert model.config._attn_implementation == "sdpa"


def test_watchers_nest_and_the_models_attention_comes_back():
    model = tiny()
    counts = [[], []]
    with AttentionWatch(model, counts[0].append):
        with AttentionWatch(model, counts[1].append):
            model(IDS)
        model(IDS)
    model(IDS)
    assert [len(c) for c in counts] == [8, 4]
    assert model.config._attn_implementation == "sdpa"


def test_the_models_own_attention_comes_back():
    model = tiny()
    with RowProbe(model), RowProbe(model):
        assert model.config._attn_implementation != "sdpa"
    assert model.config._attn_implementation == "sdpa"
    assert not any(hasattr(m, "_retrievalheads_watchers") for m in model.modules())
