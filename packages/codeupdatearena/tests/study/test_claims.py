import pytest
from codeupdatearena.records import Report
from codeupdatearena.scoring.metrics import aggregate
from codeupdatearena.study.claims import Measured, claims
from codeupdatearena.study.tables import Run
from tenpapers.paper import load_paper

from .test_likelihood_report import measured


def run(method, solved, of=20, changes=()):
    """A run of one sample on each of `of` updates, of which the first `solved` use the update."""
    reports = [
        Report(
            prog_syn_id=f"[a.f]:[add-argument]:[update-{i}]:[prog_syn-0]",
            sample=0,
            method=method,
            with_update=["passed" if i < solved else "assert"],
            without_update=["assert"],
            all_pass_with=i < solved,
            all_pass_without=False,
            exclusive=i < solved,
        )
        for i in range(of)
    ]
    specificity = {
        "base": {"SPass@1": 40.0},
        "by_edit": {str(i): {"SPass@1": 40.0 + change} for i, change in enumerate(changes)},
    }
    return Run(method, aggregate(reports, [1]), reports, specificity if changes else None)


def verdicts(found):
    return {claim["id"]: claim["verdict"] for claim in found}


def test_every_claim_of_the_paper_has_a_verdict_and_evidence():
    found = claims(Measured([run("base", 0)]))
    assert [claim["id"] for claim in found] == [
        claim.id for claim in load_paper("codeupdatearena").claims
    ]
    assert set(verdicts(found).values()) == {"not testable here"}
    assert all(claim["evidence"].endswith(".") for claim in found)


def test_samples_decide_where_something_is_solved():
    runs = [
        run("base", 1),
        run("prepend", 4),
        run("ft-u", 2),
        run("ft-ps", 12, changes=[-10.0, -6.0, -8.0]),
        run("random-ft-ps", 1),
    ]
    found = claims(Measured(runs))
    assert verdicts(found) == {
        "prepending-falls-short": "shown",
        "editing-leaves-room": "not shown",  # 12 of 20: the interval reaches above one half
        "update-text-alone-teaches-little": "shown",
        "solved-problems-teach-more": "shown",
        "other-updates-teach-too": "not shown",
        "editing-costs-other-abilities": "shown",
        "closed-model-ahead": "not testable here",
    }
    told = {claim["id"]: claim["evidence"] for claim in found}
    assert told["solved-problems-teach-more"].startswith(
        "UPass@1 of ft-ps minus ft-u: +50.0 points"
    )
    assert told["editing-costs-other-abilities"].startswith("ft-ps: SPass@1 -8.0 points")


def test_an_edit_that_costs_nothing_does_not_show_a_cost():
    found = claims(Measured([run("ft-ps", 3, changes=[2.0, 6.0, 4.0])]))
    assert verdicts(found)["editing-costs-other-abilities"] == "not shown"


def test_likelihoods_decide_where_nothing_is_solved():
    some = [
        row
        for name, gap in zip("abcdef", (0.6, 0.4, 0.5, 0.6, 0.4, 0.5), strict=True)
        for row in measured(name, 0.01, ft_u=1.5, ft_ps=1.5 - gap, random_ft_ps=1.5 - gap / 2)
    ]
    found = claims(Measured([run("base", 0), run("ft-ps", 0)], some, 0.01))
    assert verdicts(found) == {
        "prepending-falls-short": "not testable here",
        "editing-leaves-room": "not testable here",
        "update-text-alone-teaches-little": "shown",  # FT(U) is no better than base
        "solved-problems-teach-more": "shown",
        "other-updates-teach-too": "shown",
        "editing-costs-other-abilities": "not testable here",
        "closed-model-ahead": "not testable here",
    }
    told = {claim["id"]: claim["evidence"] for claim in found}
    assert "By likelihood alone" in told["solved-problems-teach-more"]
    assert "difference +0.50 nats" in told["solved-problems-teach-more"]


@pytest.mark.parametrize("count", [1, 5])
def test_fewer_than_six_updates_decide_nothing(count):
    """Five of one sign are chance in one of sixteen cases."""
    some = [row for name in "abcde"[:count] for row in measured(name, 0.01, ft_ps=0.1)]
    (claim,) = [
        claim
        for claim in claims(Measured([run("base", 0)], some, 0.01))
        if claim["id"] == "solved-problems-teach-more"
    ]
    assert claim["verdict"] == "not testable here"
    assert claim["evidence"].endswith(f"n = {count}); fewer than 6 updates decide nothing.")
