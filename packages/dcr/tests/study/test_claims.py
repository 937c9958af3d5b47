from dcr.study.arms import DCR, DROP, FEED, NOTHING, RANDOM, SPAN_ONLY
from dcr.study.claims import judge
from tenpapers.paper import load_paper


def cell(mean, half=0.05):
    return {"mean": mean, "low": mean - half, "high": mean + half, "n": 150}


def differences(**more):
    plain = {f"{DCR} - {name}": [cell(0.2), cell(0.3)] for name in (FEED, NOTHING, RANDOM, DROP)}
    return plain | {f"{DCR} - {SPAN_ONLY}": [cell(0.1), cell(0.1)]} | more


def verdicts(differences, recipes=None):
    judged = judge(load_paper("dcr"), differences=differences, recipes=recipes or {})
    return {one["id"]: one["verdict"] for one in judged}


def summary(n, low, high):
    delta = {"delta": (low + high) / 2, "low": low, "high": high}
    return {"n": n, "metrics": {"alignscore": delta}}


def test_a_claim_is_shown_where_every_interval_of_every_seed_is_above_zero():
    found = verdicts(differences())
    assert found["detection-is-a-step-of-its-own"] == "shown"
    assert found["fine-grained-critiques-help"] == "shown"


def test_what_a_second_seed_turns_round_is_not_shown():
    turned = {f"{DCR} - {FEED}": [cell(0.2), cell(0.04)]}
    found = verdicts(differences(**turned))
    assert found["detection-is-a-step-of-its-own"] == "not shown"
    assert found["fine-grained-critiques-help"] == "shown"
    once = {f"{DCR} - {FEED}": [cell(0.2)]}
    assert verdicts(differences(**once))["detection-is-a-step-of-its-own"] == "not shown"


def test_doing_nothing_is_told_beside_a_claim_that_does_not_speak_of_it():
    beside = {f"{DCR} - {NOTHING}": [cell(0.01), cell(0.02)]}
    judged = judge(load_paper("dcr"), differences=differences(**beside), recipes={})
    (one,) = (one for one in judged if one["id"] == "detection-is-a-step-of-its-own")
    assert one["verdict"] == "shown" and f"over {NOTHING}: +0.010 (-0.040" in one["evidence"]


def test_a_few_responses_or_a_detectors_own_score_tell_nothing_of_recipes():
    name = "three-steps-beat-end-to-end"
    both = {"dcr": summary(500, 0.1, 0.2), "direct": summary(500, -0.1, 0.05)}
    assert verdicts(differences(), both)[name] == "shown"
    close = both | {"direct": summary(500, 0.0, 0.15)}
    assert verdicts(differences(), close)[name] == "not shown"
    few = {recipe: one | {"n": 4} for recipe, one in both.items()}
    assert verdicts(differences(), few)[name] == "not testable here"
    own = {recipe: {"n": 500, "metrics": {"minicheck": {}}} for recipe in both}
    assert verdicts(differences(), own)[name] == "not testable here"
    assert verdicts(differences())[name] == "not testable here"


def test_the_evidence_tells_the_numbers():
    judged = judge(load_paper("dcr"), differences=differences(), recipes={})
    (evidence,) = (o["evidence"] for o in judged if o["id"] == "detection-is-a-step-of-its-own")
    assert f"over {FEED}: +0.200 (+0.150 to +0.250), +0.300" in evidence and "150 pairs" in evidence
