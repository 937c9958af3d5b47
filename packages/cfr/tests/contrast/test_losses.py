import math

import numpy as np
import pytest
import torch
from cfr.contrast.losses import info_nce
from cfr.contrast.masks import false_negatives

Q = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
D = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
TARGET = torch.tensor([0, 1])


def test_the_loss_of_two_rows_is_what_it_is_on_paper():
    """Scores 1, .8, 0 and .6, .96, .8 over a temperature of 0.05."""
    loss, per_row = info_nce(Q, D, TARGET, temperature=0.05)
    assert per_row.tolist() == pytest.approx([0.0181499, 0.0406704], abs=1e-6)
    assert float(loss) == pytest.approx(0.0294102, abs=1e-6)


def test_a_masked_column_is_no_negative():
    mask = torch.tensor([[False, False, False], [False, False, True]])
    _, per_row = info_nce(Q, D, TARGET, mask)
    assert per_row.tolist() == pytest.approx([0.0181499, 7.46307e-4], abs=1e-7)


def test_equal_scores_of_eight_documents_give_the_logarithm_of_eight():
    same = torch.ones(8, 3)
    loss, _ = info_nce(torch.ones(1, 3), same, torch.tensor([5]))
    assert float(loss) == pytest.approx(2.0794415, abs=1e-6)


def test_the_cosine_does_not_see_lengths_and_the_dot_product_does():
    noise = torch.Generator().manual_seed(3)
    q, d = torch.randn(4, 6, generator=noise), torch.randn(9, 6, generator=noise)
    target = torch.tensor([0, 3, 8, 1])
    once, thrice = (info_nce(k * q, k * d, target, temperature=0.7).loss for k in (1, 3))
    assert float(once) == pytest.approx(float(thrice), abs=1e-6)
    once, thrice = (
        info_nce(k * q, k * d, target, temperature=0.7, score="dot").loss for k in (1, 3)
    )
    assert abs(float(once) - float(thrice)) > 0.1


def test_a_mask_over_a_positive_is_refused():
    mask = torch.tensor([[True, False, False], [False, False, False]])
    with pytest.raises(ValueError, match="covers a positive"):
        info_nce(Q, D, TARGET, mask)


def test_a_copy_of_the_positive_costs_ln_2_unless_it_is_masked():
    """Two rows with one positive: cosine 1 to both queries, all else orthogonal."""
    q = torch.tensor([[1.0, 0, 0], [1.0, 0, 0]])
    d = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    target = torch.tensor([0, 1])
    _, per_row = info_nce(q, d, target)
    assert per_row.tolist() == pytest.approx([0.693147, 0.693147], abs=1e-6)
    columns = np.array([7, 7, 4, 5])
    mask = false_negatives(columns, target.numpy(), [np.array([7]), np.array([7])])
    _, per_row = info_nce(q, d, target, torch.from_numpy(mask))
    assert max(per_row.tolist()) < 1e-6


def test_loss_and_gradients_are_those_of_sentence_transformers():
    """`MultipleNegativesRankingLoss(scale=20)` is this loss at 0.05, where nothing is masked."""
    from sentence_transformers.losses import MultipleNegativesRankingLoss

    class Passing(torch.nn.Module):
        def forward(self, features):
            return features

    noise = torch.Generator().manual_seed(1)
    given = [torch.randn(5, 8, generator=noise) for _ in range(3)]
    ours, theirs = ([part.clone().requires_grad_() for part in given] for _ in range(2))
    loss, _ = info_nce(ours[0], torch.cat(ours[1:]), torch.arange(5))
    loss.backward()
    peer = MultipleNegativesRankingLoss(Passing(), scale=20)
    expected = peer([{"sentence_embedding": part} for part in theirs], torch.empty(0))
    expected.backward()
    assert float(loss) == pytest.approx(float(expected), abs=1e-5)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine.grad, other.grad, atol=1e-5)


def test_a_temperature_of_0_is_refused():
    with pytest.raises(ValueError, match="over 0"):
        info_nce(Q, D, TARGET, temperature=0.0)
    assert math.isfinite(float(info_nce(Q, D, TARGET, temperature=1e-4).loss))
