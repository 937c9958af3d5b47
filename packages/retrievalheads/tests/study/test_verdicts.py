"""Verdicts follow the numbers."""

import pytest
from retrievalheads.study.verdicts import claims, reference_failure, verdicts
from tenpapers.paper import load_paper

from .fabricated import fabricated, knocked, patched, run


def told(runs, knockout, patches):
    return [verdict.found.judgement for verdict in verdicts(runs, knockout, patches)]


def turned_round(runs):
    """Every recall mirrored, and more heads in the variants than in Real-Full, few of them its."""
    mirrored = [made.model_copy(update={"recall": 1 - made.recall}) for made in runs]
    more = {"count": 20, "precision": 0.1, "count_both": 2}
    return [r if r.name == "real-full" else r.model_copy(update=more) for r in mirrored]


def test_verdicts_follow_the_numbers():
    """Swapped numbers turn every verdict round; missing parts are never "shown"."""
    assert told(fabricated(), knocked(0.1, 0.88), patched(0.6, 0.35)) == ["shown"] * 5
    swapped = turned_round(fabricated(0.05))
    assert told(swapped, knocked(0.88, 0.1), patched(0.1, 0.35)) == ["opposite"] * 5
    assert told(fabricated(), [], []) == ["shown"] * 3 + ["not shown"] * 2
    level = [run.model_copy(update={"recall": 0.5}) for run in fabricated()]
    assert told(level, knocked(0.1, 0.15), patched(0.6, 0.6))[2:] == ["not shown"] * 3
    apart = [
        run.model_copy(update={"recall_over_0": kept.recall})
        for run, kept in zip(level, fabricated(), strict=True)
    ]
    third = verdicts(apart, knocked(0.1, 0.15), patched(0.6, 0.6))[2]
    assert third.found.judgement == "shown"
    assert "heads > 0: rho = 1.00" in third.found.numbers
    closed = told(fabricated(), knocked(0.1, 0.88), patched(1.0, 0.35))
    assert closed[4] == "not shown"


def test_the_gap_is_measured_on_the_examples_that_were_patched():
    """Real-Full has 0.9 of all and 0.5 of the twenty patched: 0.6 there closes the gap."""
    runs = fabricated()
    hard_first = (*[1.0] * 10, *[0.0] * 10, *[1.0] * 80)
    runs[-1] = runs[-1].model_copy(update={"per_example": hard_first})
    assert told(fabricated(), [], patched(0.6, 0.35))[4] == "shown"
    found = verdicts(runs, [], patched(0.6, 0.35))[4].found
    assert found.judgement == "not shown" and "closes the gap in 2" in found.numbers


def test_what_a_second_seed_turns_round_is_not_shown():
    first, second = fabricated(), [r.model_copy(update={"seed": 1}) for r in fabricated()]
    assert told([*first, *second], [], [])[:3] == ["shown"] * 3
    other = turned_round(second)
    low = [r.model_copy(update={"f1": 0.05, "per_example": (0.0,) * 100}) for r in other[-1:]]
    assert told([*first, *other[:-1], *low], [], [])[:3] == ["not shown"] * 3
    both = patched(0.6, 0.35) + patched(0.1, 0.35, seed=1)
    found = verdicts([*first, *second], [], both)[4].found
    assert found.judgement == "not shown"
    assert found.numbers.startswith("t, seed 0: hh 0.30 -> 0.60, hl 0.30 -> 0.60; helps in 2 of 2")


def test_correlation_compares_variants_of_one_size_and_seed():
    """More examples give more of both, which is no correlation between variants."""
    few = [r.model_copy(update={"n_train": 4, "f1": r.f1 / 10}) for r in fabricated()[:5]]
    recalls = [0.1, 0.2, 0.3, 0.4, 0.5]  # against the order of F1
    few = [r.model_copy(update={"recall": v}) for r, v in zip(few, recalls, strict=True)]
    found = verdicts([*few, *fabricated()], [], [])[2].found
    assert found.judgement == "not shown"
    assert found.numbers.startswith("heads >= 0.1: rho = 0.00 (permutation p 1.0000, N = 10 in 2 ")


def test_a_reference_that_did_not_learn_is_told_and_nothing_is_concluded():
    start = run("base, theta'", 0.4, 3, 0.3)
    assert reference_failure(run("real-full", 0.62, 10, 1.0), start, 0.6) == ""
    assert reference_failure(run("real-full", 0.55, 10, 1.0), start, 0.6) == (
        "F1 0.55, 0.60 is wanted"
    )
    assert reference_failure(run("real-full", 0.4, 10, 1.0), start, 0.3).startswith(
        "F1 0.40 is no better than 0.40 before"
    )
    runs = fabricated(seeds=2)
    runs[-1] = runs[-1].model_copy(update={"failed": "F1 0.05, 0.60 is wanted"})
    found = verdicts(runs, knocked(0.1, 0.88), patched(0.6, 0.35))
    judgements = [verdict.found.judgement for verdict in found]
    assert judgements == [*["reference failed"] * 3, "shown", "reference failed"]
    assert found[0].found.numbers == "t, seed 1: Real-Full F1 0.05, 0.60 is wanted"
    assert claims(found)[0]["verdict"] == "not testable here"


@pytest.mark.parametrize(
    ("random", "verdict"),
    [
        ([0.88, 0.86, 0.9, 0.84], "shown"),  # at most 0.06 of 0.8
        ([0.88, 0.5, 0.9, 0.88], "not shown"),  # one of four sets does half the damage
        ([0.5, 0.5, 0.5, 0.5], "not shown"),  # half the damage is not harmless
        ([0.1, 0.1, 0.2, 0.1], "not shown"),  # as much
        ([0.88, 0.9], "not shown"),  # too few sets for an interval over them
    ],
)
def test_random_heads_are_judged_over_many_random_sets(random, verdict):
    found = verdicts(fabricated(), knocked(0.1, random), [])[3].found
    assert found.judgement == verdict
    assert f"{len(random)} random sets" in found.numbers and found.tested == (len(random) > 2)


def test_overlap_counts_only_over_what_chance_gives():
    """Nine heads of ten, all real: of 10 heads in all that is no wonder, of 40 it is."""
    for n_heads, verdict in ((40, "shown"), (10, "not shown")):
        every = [run.model_copy(update={"n_heads": n_heads}) for run in fabricated()]
        found = verdicts(every, [], [])[1].found
        assert found.judgement == verdict
    assert "hh 8, 8 of them real (by chance 8.0)" in found.numbers


def test_every_claim_of_the_paper_has_a_verdict_with_its_evidence():
    """The opposite is not shown; what was not run is not testable here."""
    found = claims(verdicts(fabricated(), knocked(0.88, 0.1), []))
    assert [claim["id"] for claim in found] == [c.id for c in load_paper("retrievalheads").claims]
    assert [claim["verdict"] for claim in found] == [
        *["shown"] * 3,
        "not shown",
        "not testable here",
    ]
    assert found[3]["evidence"].startswith("the opposite: k = 10, 20 prompts that found no heads: ")
    assert found[0]["evidence"].startswith("t, seed 0: Real-Full 0.90, best synthetic (hh) 0.50")
    nothing = claims(verdicts([], [], []))
    assert {claim["verdict"] for claim in nothing} == {"not testable here"}
