import pytest
from cfr.study.claims import judge
from tenpapers.paper import load_paper


def cell(mean, low, high):
    return {"mean": mean, "low": low, "high": high, "n": 50}


GAIN, NONE, LOSS = cell(0.1, 0.02, 0.18), cell(0.01, -0.05, 0.07), cell(-0.1, -0.2, -0.02)
SIGNALS = {"gold": 9, "distill": 3, "lerc": 4}


def verdict(claim, *, full=GAIN, balanced=GAIN, control=GAIN, carried=GAIN, **more):
    differences = {
        "CFR - B4": {"AV-400": full, "AV-400, answers only": balanced},
        "CFR - C1": {"AV-400": control, "AV-400, answers only": control},
        "transfer: CFR - B4": {"synthetic, own six": carried},
    }
    given = {"differences": differences, "signals": SIGNALS, "models": {}, "base": "B4"} | more
    return next(one for one in judge(load_paper("cfr"), **given) if one["id"] == claim)


@pytest.mark.parametrize(
    ("pools", "wanted"),
    [
        ({}, "shown"),
        ({"full": NONE}, "not shown"),
        ({"balanced": LOSS}, "not shown"),
        ({"balanced": NONE}, "not shown"),
        ({"control": NONE}, "not shown"),
    ],
)
def test_a_gain_must_be_more_than_style_and_more_than_the_control(pools, wanted):
    assert verdict("relevance-gain", **pools)["verdict"] == wanted


def test_a_gain_on_the_full_pool_alone_is_told_to_be_style():
    found = verdict("relevance-gain", balanced=LOSS)
    assert "not told apart from style" in found["evidence"]
    assert "AV-400: +0.100 (+0.020 to +0.180) over B4" in found["evidence"]


def test_transfer_to_our_own_sets_says_nothing_of_the_papers():
    assert verdict("transfer")["verdict"] == "not testable here"
    assert verdict("transfer", carried=NONE)["verdict"] == "not shown"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "shown"),
        ({"balanced": LOSS}, "not shown"),
        ({"signals": SIGNALS | {"distill": 0}}, "not testable here"),
    ],
)
def test_signals_train_together_where_each_named_positives_and_nothing_is_lost(given, wanted):
    assert verdict("several-signals", **given)["verdict"] == wanted


def read(accuracy, n):
    return {"veracity": {"accuracy": accuracy, "n": n}}


@pytest.mark.parametrize(
    ("n", "ours", "wanted"),
    [(8, 0.9, "not testable here"), (100, 0.9, "shown"), (100, 0.5, "not shown")],
)
def test_verdicts_on_few_claims_tell_nothing(n, ours, wanted):
    found = verdict("veracity-gain", models={"CFR": read(ours, n), "B4": read(0.5, n)})
    assert found["verdict"] == wanted


def test_without_training_nothing_is_judged():
    found = judge(load_paper("cfr"), differences={}, signals={}, models={}, base="B4")
    assert {one["verdict"] for one in found} == {"not testable here"}
