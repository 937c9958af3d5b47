import numpy as np
import pytest
from synthesizrr.filtering.cartography import Filter, cartography, kept
from tenpapers.errors import UserError


def test_cartography_by_hand():
    probs = np.array([[[0.2, 0.8]], [[0.4, 0.6]], [[0.9, 0.1]]], dtype=np.float64)
    confidence, variability, correctness = cartography(probs, np.array([0]))
    assert confidence[0] == pytest.approx(0.5)
    assert variability[0] == pytest.approx(0.2943920288775949)
    assert correctness[0] == pytest.approx(1 / 3)
    with pytest.raises(UserError, match="for 2 labels"):
        cartography(probs, np.array([0, 1]))


def test_the_top_share_is_kept_within_each_label():
    values = {"confidence": np.arange(100) / 100, "variability": np.zeros(100)}
    top = [Filter("confidence", top=0.83)]
    assert kept(values, ["x"] * 100, top).sum() == 83
    ten = {"confidence": np.arange(1, 11) / 10}
    assert kept(ten, ["x"] * 10, top).sum() == 8
    # The lower half is label a: over all rows it would lose most, within the labels both lose 17 %.
    labels = ["a"] * 50 + ["b"] * 50
    inside = kept(values, labels, top)
    assert (inside[:50].sum(), inside[50:].sum()) == (41, 41)
    overall = kept(values, labels, [Filter("confidence", top=0.83, scope="overall")])
    assert (overall[:50].sum(), overall[50:].sum()) == (33, 50)


def test_other_filters():
    values = {"confidence": np.array([0.1, 0.5, 0.9]), "correctness": np.array([0, 0.5, 1.0])}
    labels = ["x"] * 3
    assert kept(values, labels, [Filter("confidence", low=0.5)]).tolist() == [False, True, True]
    assert kept(values, labels, [Filter("confidence", low=0.2, high=0.5)]).sum() == 1
    both = [Filter("confidence", low=0.5), Filter("correctness", bottom=0.5)]
    assert kept(values, labels, both).tolist() == [False, True, False]
    for wrong, told in [
        ([], "no filter"),
        ([Filter("confidence", top=1, low=0)], "top, bottom or a range"),
        ([Filter("confidence")], "top, bottom or a range"),
        ([Filter("confidence", top=0.5), Filter("confidence", low=0)], "two filters"),
        ([Filter("ease", top=0.5)], "unknown value"),
        ([Filter("confidence", top=1.5)], "not within 0 and 1"),
    ]:
        with pytest.raises(UserError, match=told):
            kept(values, labels, wrong)
