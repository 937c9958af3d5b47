import pytest
from cfr.contrast.control import permuted
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError

from .test_tuples import passage, row


def rows_of(claims):
    return [
        row(
            str(n),
            [passage(f"p{n}")],
            [passage(f"p{(n + 1) % len(claims)}"), passage("n")],
            claim=f"claim {claim}",
        )
        for n, claim in enumerate(claims)
    ]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=20), st.integers(0, 9))
def test_every_query_gets_the_positives_of_another_claim_and_all_are_given_once(claims, seed):
    rows = rows_of(claims)
    if 2 * max(claims.count(claim) for claim in claims) > len(claims):
        with pytest.raises(UserError, match="across claims"):
            permuted(rows, seed=seed)
        return
    found = permuted(rows, seed=seed)
    claim_of = {f"p{n}": claim for n, claim in enumerate(claims)}
    given_pids = [one.positives[0].pid for one in found]
    assert sorted(given_pids) == sorted(claim_of)
    for own, one, claim in zip(rows, found, claims, strict=True):
        assert (one.qid, one.claim) == (own.qid, own.claim)
        assert claim_of[one.positives[0].pid] != claim
        assert one.positives[0] not in one.negatives
        assert passage("n") in one.negatives


def test_a_seed_draws_one_permutation():
    rows = rows_of([0, 1, 2, 3, 4, 5])
    drawn = {
        seed: tuple(one.positives[0].pid for one in permuted(rows, seed=seed)) for seed in range(5)
    }
    assert drawn[0] == tuple(one.positives[0].pid for one in permuted(rows, seed=0))
    assert len(set(drawn.values())) > 1
