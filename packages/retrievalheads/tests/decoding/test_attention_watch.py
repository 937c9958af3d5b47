"""Seeing what goes into attention."""

import torch
from retrievalheads.decoding.attention_watch import AttentionWatch
from retrievalheads.decoding.row_probe import RowProbe

from ..conftest import IDS, tiny


def test_watching_changes_nothing_and_shows_every_layer():
    model = tiny()
    with torch.inference_mode():
        plain = model(IDS).logits
        seen = []
        with AttentionWatch(model, seen.append):
            assert torch.equal(model(IDS).logits, plain)
    assert [shown.layer for shown in seen] == [0, 1, 2, 3]
    assert seen[0].query.shape == (2, 4, 24, 16) and seen[0].key.shape == (2, 2, 24, 16)
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
