import pytest
from cfr.scoring.labels import AVERITEC, CLAIMDECOMP, FEVER, LABEL_SETS
from tenpapers.errors import UserError


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=list(LABEL_SETS))
def test_every_name_leads_to_a_label(labels):
    assert labels.neutral in labels.labels
    assert set(labels.aliases.values()) <= set(labels.labels)
    assert all(labels.resolve(label, "x") == label for label in labels.labels)


def test_case_and_punctuation_do_not_count():
    assert AVERITEC.resolve("conflicting evidence / cherry-picking", "x") == AVERITEC.labels[3]
    assert FEVER.resolve("not_enough_info", "x") == "NOT ENOUGH INFO"
    assert CLAIMDECOMP.resolve("Pants on fire!", "x") == "pants-fire"


def test_what_is_no_label_is_named():
    with pytest.raises(UserError, match="claim 3: 'Maybe' is no label of averitec; one of Supp"):
        AVERITEC.resolve("Maybe", "claim 3")
