"""Verdicts follow the numbers."""

from retrievalheads.study.verdicts import claims, verdicts
from tenpapers.paper import load_paper

from .fabricated import fabricated, knocked, patched


def told(runs, knockout, patches):
    return [verdict.found.judgement for verdict in verdicts(runs, knockout, patches)]


def test_verdicts_follow_the_numbers():
    """Swapped numbers turn every verdict round; missing parts are never "shown"."""
    assert told(fabricated(), knocked(0.1, 0.88), patched(0.6, 0.35)) == ["shown"] * 5
    swapped = [run.model_copy(update={"recall": 1 - run.recall}) for run in fabricated(0.05)]
    swapped = [
        run.model_copy(update={"count": 20, "precision": 0.1}) if run.name != "real-full" else run
        for run in swapped
    ]
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
    assert "heads > 0: Spearman rho = 1.00" in third.found.numbers
    closed = told(fabricated(), knocked(0.1, 0.88), patched(0.95, 0.35))
    assert closed[4] == "not shown"


def test_every_claim_of_the_paper_has_a_verdict_with_its_evidence():
    """The opposite is not shown; what was not run is not testable here."""
    found = claims(verdicts(fabricated(), knocked(0.88, 0.1), []))
    assert [claim["id"] for claim in found] == [c.id for c in load_paper("retrievalheads").claims]
    assert [claim["verdict"] for claim in found] == [
        *["shown"] * 3,
        "not shown",
        "not testable here",
    ]
    assert found[3]["evidence"].startswith("the opposite: k = 10: top -0.02, random -0.80")
    assert found[0]["evidence"].startswith("Real-Full 0.90, best synthetic (hh) 0.50")
    nothing = claims(verdicts([], [], []))
    assert {claim["verdict"] for claim in nothing} == {"not testable here"}
