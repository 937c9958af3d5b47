"""Two checkpoints' heads side by side."""

import math

import pytest
import torch
from retrievalheads.heads.head_sets import ranked
from retrievalheads.heads.overlap import compare, compare_files, cosine

from ..conftest import scores_of


def test_compare_with_itself_with_zeros_and_with_more():
    """All ones; NaN without a reference; recall never falls when heads are added."""
    draw = torch.Generator().manual_seed(0)
    mean = torch.rand(4, 5, generator=draw)
    same = compare(mean, mean, threshold=0.3)
    assert same[:4] == pytest.approx((1, 1, 1, 1))
    none = compare(torch.zeros(4, 5), mean)
    assert math.isnan(none.recall) and math.isnan(none.cosine)
    other, last = torch.zeros(4, 5), -1.0
    for layer, head, _ in ranked(torch.rand(4, 5, generator=draw)):
        other[layer, head] = 1
        recall = compare(mean, other, threshold=0.3).recall
        assert recall >= last
        last = recall
    assert last == 1


def test_compare_refuses_other_bases_and_shapes():
    a, b = scores_of([[0.5, 0.0]]), scores_of([[0.5, 0.2]], model="other")
    with pytest.raises(ValueError, match="one base model"):
        compare_files(a, b, threshold=0.1)
    assert compare_files(a, b, allow_different_base=True, threshold=0.1)["n_other_only"] == 1
    with pytest.raises(ValueError, match="layers and heads"):
        compare_files(a, scores_of([[0.5], [0.2]]))
    assert math.isnan(cosine(torch.zeros(2), torch.ones(2)))
