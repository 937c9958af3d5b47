import pytest
from cfr.contrast.splits import split_by_claim
from cfr.inputs.claims import claim_key
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError
from tenpapers.testing import read_rows

claims = st.lists(st.sampled_from(["A b.", "a  B", "c", "D", "d ", "e", "f?", "F?", "g"]))


@given(claims, st.floats(0, 0.95), st.integers(0, 5))
def test_no_claim_is_in_both_parts_and_no_row_is_lost(rows, share, seed):
    numbered = list(enumerate(rows))
    first, second = split_by_claim(numbered, share, claim_of=lambda row: row[1], seed=seed)
    assert sorted(first + second) == numbered
    names = [{claim_key(row[1]) for row in part} for part in (first, second)]
    assert not names[0] & names[1]


def test_a_share_is_of_the_claims():
    rows = [f"claim {number // 2}" for number in range(20)]
    first, second = split_by_claim(rows, 0.3, claim_of=str)
    assert (len(first), len(second)) == (14, 6)


def test_a_share_of_all_is_refused():
    with pytest.raises(UserError, match="below 1"):
        split_by_claim(["a"], 1.0, claim_of=str)


@pytest.mark.acceptance
def test_the_400_published_claims_are_391(data):
    rows = read_rows(data / "averitec_dev_0_399.jsonl.gz")
    assert len({claim_key(row["claim"]) for row in rows}) == 391
    first, second = split_by_claim(rows, 0.25, claim_of=lambda row: row["claim"])
    assert len(first) + len(second) == 400
    names = [{claim_key(row["claim"]) for row in part} for part in (first, second)]
    assert not names[0] & names[1]
