import pytest
from synthesizrr.scoring.label_mix import match_distribution, shares
from tenpapers.errors import UserError


def test_match_distribution_by_hand():
    labels = ["a"] * 10 + ["b"] * 4

    def counts(target, n=None, **more):
        rows = match_distribution(labels, target, n, **more)
        assert len(set(rows.tolist())) == len(rows)
        return [labels[row] for row in rows].count("a"), [labels[row] for row in rows].count("b")

    assert counts({"a": 0.5, "b": 0.5}) == (4, 4)
    assert counts({"a": 0.5, "b": 0.5}, 6) == (3, 3)
    assert counts({"a": 0.75, "b": 0.25}) == (10, 3)
    assert counts({"a": 0.5, "b": 0.5}, 14, allow_off=True) == (4, 4)
    with pytest.raises(UserError, match="label 'b' has 4 rows"):
        match_distribution(labels, {"a": 0.5, "b": 0.5}, 14)
    with pytest.raises(UserError, match="no row of label 'c'"):
        match_distribution(labels, {"a": 0.5, "c": 0.5})
    same = [match_distribution(labels, {"a": 0.5, "b": 0.5}, seed=3).tolist() for _ in "xy"]
    assert same[0] == same[1]
    assert shares(["a", "b", "a", "a"]) == {"a": 0.75, "b": 0.25}
