"""On a GPU: the probe's memory at a length whose maps would not fit."""

import pytest
import torch


@pytest.mark.gpu
def test_rows_at_16k_tokens_on_a_gpu():
    """bfloat16, 16,384 tokens, 16 heads: one map would take 8.6 GB in float32."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    from retrievalheads.decoding.row_probe import RowProbe

    from .conftest import tiny

    model = tiny(hidden_size=512, num_attention_heads=16, max_position_embeddings=20_000)
    model = model.to("cuda", torch.bfloat16)
    n = 16_384
    ids = torch.randint(3, 300, (1, n), device="cuda")
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.arange(n - 20, n)[None])
        model(ids, use_cache=False, logits_to_keep=1)
        places = probe.collect()
    assert places.shape == (1, 4, 16, 20) and (places >= 0).all()
    assert torch.cuda.max_memory_allocated() - before < 2e9
