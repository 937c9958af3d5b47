import pytest
from lofit.study.arms import Arm
from lofit.study.claims import judge, sentences
from tenpapers.paper import load_paper

HIGH, LOW = [100.0] * 30 + [0.0] * 10, [0.0] * 30 + [100.0] * 10


def arms(lofit, others):
    return [
        Arm(name, runs=[{"em_normalized": 0.0}], per_item=[values])
        for name, values in (
            ("zero-shot", others),
            ("ITI", others),
            ("random heads", others),
            ("LoFiT", lofit),
        )
    ]


def verdicts(tasks, overlap=None):
    claims = judge(load_paper("lofit"), tasks, overlap)
    return {claim["id"]: claim["verdict"] for claim in claims}


def test_every_claim_has_a_verdict_from_the_numbers():
    overlap = {"tasks": ["a", "b"], "jaccard": 0.35, "chance": 0.05}
    found = verdicts({"mquake": arms(HIGH, LOW)}, overlap)
    shown = {name for name, verdict in found.items() if verdict == "shown"}
    assert shown == {
        "offsets-teach-the-task",
        "offsets-beat-learning-free",
        "learned-selection",
        "different-heads",
    }
    assert {found[name] for name in found.keys() - shown} == {"not testable here"}


def test_swapped_numbers_swap_the_verdicts():
    overlap = {"tasks": ["a", "b"], "jaccard": 0.6, "chance": 0.05}
    found = verdicts({"mquake": arms(LOW, HIGH)}, overlap)
    assert "shown" not in found.values()
    assert found["learned-selection"] == found["different-heads"] == "not shown"


def test_one_task_without_an_effect_is_enough_for_not_shown():
    found = verdicts({"mquake": arms(HIGH, LOW), "clutrr": arms(HIGH, HIGH)})
    assert found["learned-selection"] == "not shown"
    assert found["different-heads"] == "not testable here"


def test_the_evidence_names_task_difference_and_interval():
    claims = judge(load_paper("lofit"), {"mquake": arms(HIGH, LOW)}, None)
    (evidence,) = [claim["evidence"] for claim in claims if claim["id"] == "learned-selection"]
    assert "random heads, mquake: +50.0 points (95% interval +2" in evidence


def test_the_sentences_of_the_report_follow_the_numbers():
    first, second = sentences(arms(LOW, HIGH))
    assert "offsets beat zero-shot" in first and "the opposite shows" in first
    assert "learned selection beats random selection" in second


def test_an_arm_without_runs_has_no_mean():
    assert Arm("x").mean("mc1") is None
    assert Arm("x", runs=[{"mc1": 40.0}, {"mc1": 50.0}]).mean("mc1") == pytest.approx(45.0)
