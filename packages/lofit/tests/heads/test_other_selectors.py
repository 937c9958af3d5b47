import pytest
from lofit.heads.other_selectors import random_heads, rank_by
from lofit.records import SelectConfig
from tenpapers.models import HeadGeometry

from ..conftest import contrast, examples


@pytest.mark.parametrize("method", ["lofit", "random", "probe", "layer-probe", "bias"])
def test_every_selector_ranks_all_heads(small, method):
    config = SelectConfig(epochs=1, batch_size=8)
    found = rank_by(method, small.model, small.tokenizer, examples(8), contrast(), config=config)
    assert sorted(found.order) == [(i, j) for i in range(4) for j in range(4)]
    assert found.method == method and found.scores.shape == (4, 4)
    if method == "layer-probe":  # whole layers after one another
        layers = [head.layer for head in found.order]
        assert all(len(set(layers[i : i + 4])) == 1 for i in range(0, 16, 4))


def test_random_heads_are_a_draw_by_seed():
    shape = HeadGeometry("x", 4, 8, 8, 16, 128)
    assert random_heads(shape, 1).order == random_heads(shape, 1).order
    assert random_heads(shape, 1).order != random_heads(shape, 2).order
    assert len(set(random_heads(shape, 1).top(5))) == 5
