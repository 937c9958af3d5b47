import pytest
from codeupdatearena.scoring.specificity import summarise_specificity
from tenpapers.errors import UserError

# Two tasks of five samples: base passes 3 and 1 of them, the edits fewer.
PASSED = {
    ("", "a"): [True, True, True, False, False],
    ("", "b"): [True, False, False, False, False],
    ("first", "a"): [True, False, False, False, False],
    ("first", "b"): [False, False, False, False, False],
    ("second", "a"): [True, True, False, False, False],
    ("second", "b"): [True, False, False, False, False],
}


def test_an_edit_that_costs_something_changes_spass_below_zero():
    assert summarise_specificity(PASSED, [1, 2]) == {
        "n_tasks": 2,
        "n_edits": 2,
        # pass@2 of 3 in 5 is 1 - 2/5 * 1/4 = 0.9, of 2 in 5 is 0.7, of 1 in 5 is 0.4.
        "base": {"SPass@1": 40.0, "SPass@2": 65.0},
        "edited": {"SPass@1": 20.0, "SPass@2": 37.5},
        "change": {"SPass@1": -20.0, "SPass@2": -27.5},
        "by_edit": {
            "first": {"SPass@1": 10.0, "SPass@2": 20.0},
            "second": {"SPass@1": 30.0, "SPass@2": 55.0},
        },
    }


def test_the_unedited_model_alone_has_no_change():
    base = {key: samples for key, samples in PASSED.items() if not key[0]}
    found = summarise_specificity(base, [1])
    assert found["base"] == {"SPass@1": 40.0}
    assert found["edited"] == found["change"] == found["by_edit"] == {}


def test_a_k_above_the_samples_is_told():
    with pytest.raises(UserError, match="pass@10 needs at least 10 samples"):
        summarise_specificity(PASSED, [10])
