"""The weights that a picture shows are those of eager attention."""

import pytest
import torch
from retrievalheads.heads.attention_maps import row_weights

from ..decoding.test_attention_watch import KINDS, of_kind


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_rows_are_eager_attentions(kind):
    model = of_kind(kind)
    ids = torch.randint(3, 300, (40,), generator=torch.Generator().manual_seed(0))
    rows, heads = torch.tensor([3, 20, 39]), [(0, 0), (0, 3), (1, 2), (3, 1)]
    found = row_weights(model, ids, rows, heads)
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        maps = model(ids[None], output_attentions=True, use_cache=False).attentions
    for layer, head in heads:
        assert torch.allclose(found[layer, head], maps[layer][0, head, rows], atol=1e-5)
