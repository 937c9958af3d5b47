"""Which heads are patched."""

import torch
from retrievalheads.interventions.patching_arms import patch_arms


def test_arms_are_matched_in_size_and_ranked_by_the_source():
    source, target = torch.zeros(3, 4), torch.zeros(3, 4)
    source[0] = torch.tensor([0.9, 0.8, 0.7, 0.6])
    target[0, 1:] = 0.5
    target[2, 0] = 0.5
    arms = patch_arms(target, source, threshold=0.1)
    assert arms.complement == [(0, 0)] and arms.intersection == [(0, 1)]
    assert len(arms.random) == 1 and arms.random[0] not in {(0, h) for h in range(4)} | {(2, 0)}
    whole = patch_arms(target, source, threshold=0.1, match_size=False)
    assert whole.intersection == [(0, 1), (0, 2), (0, 3)] and whole.sizes["pool"] == 7
