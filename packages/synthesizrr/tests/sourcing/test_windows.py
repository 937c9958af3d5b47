import pytest
from synthesizrr.sourcing.windows import (
    quantile_window,
    read_cosines,
    read_ranks,
    read_token_counts,
    windows_of,
)
from tenpapers.errors import UserError

from .test_pools import found


def test_windows_from_quantiles():
    rows = [found([0.3, 0.2, 0.1], seed="a"), found([0.5, 0.4, 0.3], seed="b")]
    icl, inputs = windows_of(rows, (0.0, 1.0), [1], [2, 3])
    assert icl == (0.3, 0.5) and inputs == (0.1, 0.4)
    assert windows_of(rows, None, [1], [2]) == ((0.5, 0.9), (0.4, 0.9))
    with pytest.raises(UserError, match="between 0 and 1"):
        windows_of(rows, (0.5, 1.5), [1], [2])


def test_windows_as_a_user_writes_them():
    assert read_cosines("0.4,0.9") == read_cosines([0.4, 0.9]) == (0.4, 0.9)
    assert read_token_counts("20,400") == (20, 400)
    for wrong, told in (("0.9,0.4", "lower"), ("0.4", "not two numbers"), ("a,b", "not two")):
        with pytest.raises(UserError, match=told):
            read_cosines(wrong)


def test_ranks_as_a_user_writes_them():
    assert read_ranks("3-6,1") == (1, 3, 4, 5, 6) == read_ranks([6, 5, 4, 3, 1])
    for wrong in ("a", "0-2", "", "3-1"):
        with pytest.raises(UserError, match="rank"):
            read_ranks(wrong)


def test_quantiles_are_of_the_scores_at_the_ranks():
    """Rank 1 has 0.1, 0.2, 0.3, 0.4, 0.5: a quarter of the way up is 0.2, three quarters 0.4."""
    rows = [found([score, 0.9], seed=str(score)) for score in (0.5, 0.1, 0.4, 0.2, 0.3)]
    window = quantile_window(rows, 0.25, 0.75, ranks=[1])
    assert window == pytest.approx((0.2, 0.4))


def test_copies_of_the_seed_do_not_move_the_windows():
    """Ranks 1 to 3 are copies, as in a corpus that holds the seeds several times."""
    rows = [found([1.0, 1.0, 1.0, 0.8, 0.6, 0.4], seed=str(n)) for n in range(30)]
    icl, inputs = windows_of(rows, (0.0, 1.0), [1, 2], [3, 4, 5, 6])
    assert icl == (0.9, 0.9) and inputs == (0.4, 0.8)
