"""From attended places to scores."""

import torch
from retrievalheads.heads.retrieval_score import score


def test_a_hand_written_trace():
    """A head that copies a needle twice, one that attends to a wrong token, one on the sink."""
    ids = torch.tensor([1, 2, 3, 4, 99, 5, 6, 7, 8, 9, 11])
    answer = torch.tensor([5, 6, 7, 8, 9, 5, 6, 7, 8, 9])
    needle = torch.arange(5, 10)
    right = torch.tensor([5, 6, 7, 8, 9] * 2)
    shifted = torch.tensor([6, 7, 8, 9, 5] * 2)  # inside the needle, another token
    places = torch.stack([right, shifted, torch.zeros(10, dtype=torch.long)])[None].int()
    told = {
        kind: score(places, ids, answer, [needle] * 10, kind=kind)[0].tolist()
        for kind in ("mean", "wu-code", "wu-set")
    }
    assert told == {"mean": [1, 0, 0], "wu-code": [2, 0, 0], "wu-set": [1, 0, 0]}
    attended = score(places, ids, answer, [needle] * 10, copy=False)[0]
    assert attended.tolist() == [1, 1, 0]


def test_a_step_without_targets_does_not_count_and_an_unread_layer_is_nan():
    ids = torch.tensor([5, 6, 5])
    empty = torch.empty(0, dtype=torch.long)
    places = torch.tensor([[[0, 0]], [[-1, -1]]]).int()
    found = score(places, ids, torch.tensor([5, 7]), [torch.tensor([0]), empty])
    assert found[0, 0] == 1 and found[1].isnan().all()
    assert score(places, ids, torch.tensor([5, 7]), [empty, empty]) is None
