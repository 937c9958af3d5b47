import pytest
from cfr.scoring.labels import AVERITEC, CLAIMDECOMP, FEVER
from cfr.verification.verdict_parser import parse_verdict

SUPPORTED, REFUTED, NEE, CONFLICTING = AVERITEC.labels


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The record shows it.\nLABEL: Supported", SUPPORTED),
        ("it is wrong\nlabel: refuted", REFUTED),
        ("**Label:** Refuted.", REFUTED),
        ("LABEL: NEE", NEE),
        ("LABEL: not enough info\r\n", NEE),
        ("LABEL: Cherry-picking", CONFLICTING),
        ("LABEL: Conflicting Evidence/Cherrypicking", CONFLICTING),
        ("It is Supported by one source.\nLABEL: Refuted", REFUTED),
        ("LABEL: Supported\nOn reflection:\nLABEL: Not Enough Evidence", NEE),
        ("LABEL: <Supported>", SUPPORTED),
        ("LABEL: The claim is false", REFUTED),
        ("LABEL: Refuted, as the letter was never sent", REFUTED),
        ("Final LABEL: Supported", SUPPORTED),
    ],
)
def test_the_last_label_line_counts(text, label):
    assert parse_verdict(text, AVERITEC) == (label, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The claim is Refuted.",
        "LABEL:",
        "LABEL: perhaps",
        "LABEL: Supported or Refuted",
        "LABEL: <one of Supported, Refuted, Not Enough Evidence>",
        "LABEL: Supported LABEL: Refuted",
        "LABEL: Not supported",
        "LABEL: partly supported",
        "LABEL: Supported. There is not enough evidence to refute it.",
        "LABEL: Supported\nLABEL: I cannot say",
        "LABEL: unsupported",
    ],
)
def test_no_label_or_two_are_none(text):
    assert parse_verdict(text, AVERITEC) == (NEE, True)


@pytest.mark.parametrize(
    ("text", "labels", "label"),
    [
        ("LABEL: mostly true", CLAIMDECOMP, "mostly-true"),
        ("LABEL: Mostly-True", CLAIMDECOMP, "mostly-true"),
        ("LABEL: Pants on Fire!", CLAIMDECOMP, "pants-fire"),
        ("LABEL: true", CLAIMDECOMP, "true"),
        ("LABEL: NOT ENOUGH INFO", FEVER, "NOT ENOUGH INFO"),
        ("LABEL: Supported", FEVER, "SUPPORTS"),
    ],
)
def test_every_data_set_has_its_own_labels(text, labels, label):
    assert parse_verdict(text, labels) == (label, False)


def test_every_label_is_read_as_well_as_any_other():
    for labels in (AVERITEC, FEVER, CLAIMDECOMP):
        for label in labels.labels:
            for text in (label, label.lower(), f"{label}.", f"**{label}**", f'"{label}"'):
                assert parse_verdict(f"Because.\nLABEL: {text}", labels) == (label, False)
