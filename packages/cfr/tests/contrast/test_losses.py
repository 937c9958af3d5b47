import math
import time

import numpy as np
import pytest
import torch
from cfr.contrast.losses import false_negatives, info_nce, others_columns

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


def test_other_positives_of_the_query_and_columns_that_fill_up_are_masked():
    columns = np.array([3, 8, 5, 9, 3, -1])
    mask = false_negatives(columns, np.array([0, 1]), [np.array([3, 5]), np.array([2, 8, 11])])
    assert mask.tolist() == [
        [False, False, True, False, True, True],
        [False, False, False, False, False, True],
    ]


def test_without_in_batch_negatives_a_row_sees_its_own_columns_alone():
    owner = np.array([0, 1, 0, 1, 1])
    assert others_columns(owner, np.array([0, 1])).tolist() == [
        [False, True, False, True, True],
        [True, False, True, False, False],
    ]


def test_the_mask_says_what_nested_loops_say():
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 12, 40)
    target = np.arange(15)
    positives = [np.unique(np.append(rng.integers(0, 12, 2), columns[row])) for row in target]
    wanted = [
        [int(columns[j] in positives[i] and j != target[i]) for j in range(40)] for i in target
    ]
    assert false_negatives(columns, target, positives).astype(int).tolist() == wanted


def test_the_mask_of_1024_rows_takes_milliseconds():
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 4000, 1024 * 5)
    positives = [np.array([columns[row], *rng.integers(0, 4000, 2)]) for row in range(1024)]
    seconds = []
    for _ in range(5):
        began = time.process_time()
        false_negatives(columns, np.arange(1024), positives)
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.02


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
