import json

import numpy as np
import pytest
import torch
from lofit.heads.ranking import (
    AdapterMismatchError,
    HeadRanking,
    default_k,
    rank_heads,
    read_heads,
    scale_scores,
)
from safetensors.torch import load_file
from tenpapers.errors import UserError
from tenpapers.models import HeadGeometry

SHAPE = HeadGeometry("llama", 4, 4, 4, 16, 64)


@pytest.mark.acceptance
def test_the_ranking_fixture(data):
    fixed = load_file(data / "fixtures" / "head_ranking.safetensors")
    scores = scale_scores(fixed["A"])
    assert np.abs(scores - fixed["scores"].numpy()).max() < 1e-12
    order = rank_heads(scores)
    assert [list(h) for h in order] == fixed["ranking"].tolist()
    assert [list(h) for h in order[:5]] == fixed["top_k"].tolist()


def test_ties_go_to_the_lower_layer_then_to_the_lower_head():
    scores = np.array([[1.0, 3.0], [3.0, 3.0]])
    assert rank_heads(scores) == [(0, 1), (1, 0), (1, 1), (0, 0)]


def test_three_percent_of_the_papers_models():
    """The paper's own numbers of heads: 32, 48, 16; SmolLM2's 270 heads give 8."""
    sizes = [(32, 32), (40, 40), (28, 16), (30, 9)]
    found = [default_k(HeadGeometry("x", n, h, h, 64, 64 * h)) for n, h in sizes]
    assert found == [32, 48, 16, 8]


def test_a_ranking_survives_its_files_and_the_official_array(tmp_path):
    scores = np.arange(16.0).reshape(4, 4)
    ranking = HeadRanking(scores, rank_heads(scores), "lofit", torch.ones(4, 4, 16))
    ranking.save(tmp_path, SHAPE)
    content = json.loads((tmp_path / "heads.json").read_text())
    assert content["order"][0] == [3, 3] and content["scores"][3][3] == 15.0
    again = read_heads(tmp_path / "heads.json", SHAPE)
    assert again.order == ranking.order and (again.scores == scores).all()
    official = read_heads(tmp_path / "heads.npy", SHAPE)
    assert official.order == ranking.order and official.scores[3, 3] == 16


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            {"order": [[0, 0], [0, 0], [9, 0], [0, 7], [1], [2, 2], [2, 2], [2, 2]]},
            r"\(0, 0\) repeats; \(9, 0\) does not exist; \(0, 7\) does not exist; "
            r"\[1\] is no pair; \(2, 2\) repeats and 1 more",
        ),
        ({"order": []}, "no heads in it"),
        ({"heads": []}, "no list `order`"),
    ],
)
def test_bad_head_files(tmp_path, content, told):
    """The first five offending pairs are named."""
    file = tmp_path / "heads.json"
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=told):
        read_heads(file, SHAPE)


def test_a_ranking_of_another_model_lists_every_difference(tmp_path):
    scores = np.zeros((4, 4))
    HeadRanking(scores, rank_heads(scores), "lofit").save(tmp_path, SHAPE)
    other = HeadGeometry("llama", 4, 8, 8, 32, 256)
    with pytest.raises(AdapterMismatchError, match="num_heads 4 != 8.*head_dim 16 != 32"):
        read_heads(tmp_path / "heads.json", other)


def test_pickled_arrays_are_refused(tmp_path):
    np.save(tmp_path / "h.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="not a plain .npy"):
        read_heads(tmp_path / "h.npy", SHAPE)


@pytest.mark.parametrize("k", [0, -1, 17])
def test_k_out_of_range(k):
    ranking = HeadRanking(np.zeros((4, 4)), rank_heads(np.zeros((4, 4))), "x")
    with pytest.raises(UserError, match=rf"K={k} outside 1..16"):
        ranking.top(k)
