"""Order and sets of heads."""

import pytest
import torch
from retrievalheads.heads.head_sets import head_set, ranked


def test_ranked_breaks_ties_by_layer_then_head_and_sets_follow_it():
    mean = torch.tensor([[0.1, 0.5], [0.5, 0.0]])
    assert [entry[:2] for entry in ranked(mean)] == [(0, 1), (1, 0), (0, 0), (1, 1)]
    assert head_set(mean, top_k=1).tolist() == [[False, True], [False, False]]
    assert int(head_set(mean).sum()) == 3 and int(head_set(mean, nonzero=True).sum()) == 3
    with pytest.raises(ValueError, match="top_k 5 of 4"):
        head_set(mean, top_k=5)
    with pytest.raises(ValueError, match="one of"):
        head_set(mean, top_k=1, nonzero=True)
