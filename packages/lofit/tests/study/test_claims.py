import pytest
from lofit.heads.overlap import Overlap
from lofit.study.arms import Arm
from lofit.study.claims import judge, sentences
from tenpapers.paper import load_paper

HIGH, LOW = [100.0] * 30 + [0.0] * 10, [0.0] * 30 + [100.0] * 10
APART = Overlap(("a", "b"), between=[0.3, 0.35], within={"a": [0.6]}, chance=0.05)


def arms(lofit, others, controls=None):
    """LoFiT with two seeds, zero-shot and ITI with one run, random heads with two sets."""
    twice = lofit if isinstance(lofit[0], list) else [lofit, lofit]
    found = {
        "zero-shot": ([others], []),
        "ITI": ([others], []),
        "random heads": (controls or [others, others], [0, 1]),
        "LoFiT": (twice, [42, 43]),
    }
    return [Arm(name, per_item=runs, seeds=seeds) for name, (runs, seeds) in found.items()]


def verdicts(tasks, overlap=None):
    claims = judge(load_paper("lofit"), tasks, overlap)
    return {claim["id"]: claim["verdict"] for claim in claims}


def test_every_claim_has_a_verdict_from_the_numbers():
    found = verdicts({"mquake": arms(HIGH, LOW)}, APART)
    shown = {name for name, verdict in found.items() if verdict == "shown"}
    assert shown == {
        "offsets-teach-the-task",
        "offsets-beat-learning-free",
        "learned-selection",
        "different-heads",
    }
    assert {found[name] for name in found.keys() - shown} == {"not testable here"}


def test_swapped_numbers_swap_the_verdicts():
    same = Overlap(("a", "b"), between=[0.6], within={}, chance=0.05)
    found = verdicts({"mquake": arms(LOW, HIGH)}, same)
    assert "shown" not in found.values()
    assert found["learned-selection"] == found["different-heads"] == "not shown"


def test_one_task_without_an_effect_is_enough_for_not_shown():
    found = verdicts({"mquake": arms(HIGH, LOW), "clutrr": arms(HIGH, HIGH)})
    assert found["learned-selection"] == "not shown"
    assert found["different-heads"] == "not testable here"


def test_what_another_seed_does_not_show_is_not_shown():
    """The mean over both seeds lies above the others in each case; one run alone does not."""
    one_seed = verdicts({"mquake": arms([HIGH, LOW], LOW)})
    assert one_seed["offsets-teach-the-task"] == one_seed["learned-selection"] == "not shown"
    one_set = verdicts({"mquake": arms(HIGH, LOW, controls=[LOW, HIGH])})
    assert one_set["offsets-teach-the-task"] == "shown"
    assert one_set["learned-selection"] == "not shown"


@pytest.mark.parametrize("between", [[0.3, 0.55], [0.3, 0.45]])
def test_heads_of_tasks_differ_only_if_two_seeds_of_one_task_share_more(between):
    """More than half of them, or as many as two trainings on one task (0.45), are the same."""
    same = Overlap(("a", "b"), between=between, within={"a": [0.8], "b": [0.45]}, chance=0.05)
    assert verdicts({"mquake": arms(HIGH, LOW)}, same)["different-heads"] == "not shown"


def test_the_evidence_names_task_seed_difference_and_interval():
    claims = judge(load_paper("lofit"), {"mquake": arms(HIGH, LOW)}, None)
    (evidence,) = [claim["evidence"] for claim in claims if claim["id"] == "learned-selection"]
    for seed in (42, 43):
        for control in (0, 1):
            told = f"seed {seed} against set {control}: +50.0 points (95% interval +2"
            assert told in evidence
    assert evidence.startswith("LoFiT against random heads, mquake, seed 42 against set 0")


def test_the_sentences_of_the_report_follow_the_numbers():
    first, second = sentences(arms(LOW, HIGH))
    assert "offsets beat zero-shot" in first and "the opposite shows" in first
    assert "learned selection beats random selection" in second


def test_an_arm_has_the_mean_of_its_runs_and_half_of_their_range():
    assert Arm("x").mean("mc1") is None and Arm("x").spread("mc1") is None
    one, two = Arm("x", runs=[{"mc1": 40.0}]), Arm("x", runs=[{"mc1": 40.0}, {"mc1": 50.0}])
    assert (one.mean("mc1"), one.spread("mc1")) == (40.0, None)
    assert (two.mean("mc1"), two.spread("mc1")) == (45.0, 5.0)
