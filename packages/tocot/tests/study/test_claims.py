import pytest
from tenpapers import data as data_folders
from tenpapers.paper import load_paper
from tocot.study.claims import JUDGES, judged_claims

PAPER = load_paper("tocot")


def verdict(name, **results):
    (claim,) = (claim for claim in judged_claims(PAPER, results) if claim["id"] == name)
    return claim["verdict"], claim["evidence"]


def literature(*best, others=(60.0, 59.0)):
    cot, direct = others
    named = {"cot": cot, "direct": direct, "cells": 4}
    return {"literature": {"rows": 9, "top": {"categories": list(best), "named_others": named}}}


def groups(**gains):
    return {
        "groups": [
            {"source": "s", "group": name, "delta_guess": gain} for name, gain in gains.items()
        ]
    }


def cell(task, group, significant=False, n=200):
    return {"task": f"m:zs/{task}", "group": group, "significant": significant, "n": n}


def plans(n=200, **accuracies):
    return {
        "plans": [
            {"task": "gsm8k", "setting": name, "accuracy": accuracy, "n": n}
            for name, accuracy in accuracies.items()
        ]
    }


def test_every_claim_has_a_judge_and_nothing_is_shown_by_nothing():
    assert set(JUDGES) == {claim.id for claim in PAPER.claims}
    found = judged_claims(PAPER, {})
    assert {claim["verdict"] for claim in found} == {"not testable here"}
    assert all(claim["evidence"] for claim in found)


def test_literature():
    top = ("math", "symbolic & algorithmic", "logical reasoning")
    assert verdict("literature-top", **literature(*top))[0] == "shown"
    other = ("math", "symbolic & algorithmic", "entailment")
    assert verdict("literature-top", **literature(*other))[0] == "not shown"
    shown, evidence = verdict("literature-others", **literature(*top, others=(60.5, 59.0)))
    assert shown == "shown" and "4 cells outside the three gain +1.5 points" in evidence
    assert verdict("literature-others", **literature(*top, others=(63.0, 59.0)))[0] == "not shown"


def test_groups_compare_the_best_of_one_kind_with_the_worst_of_the_other():
    ordered = groups(Commonsense=1.2, Knowledge=3.4, Symbolic=3.5, Mathematical=20.0)
    shown, evidence = verdict("groups", **ordered)
    assert shown == "shown" and evidence.endswith("groups not recorded: Soft reasoning")
    mixed = groups(Commonsense=1.2, Knowledge=3.6, Symbolic=3.5, Mathematical=20.0)
    assert verdict("groups", **mixed)[0] == "not shown"
    assert verdict("groups", **groups(Symbolic=3.5))[0] == "not testable here"


def test_significance_needs_all_three_groups_and_enough_items():
    cells = [cell("csqa", "Commonsense"), cell("arc_easy", "Knowledge", True)]
    assert verdict("rarely-significant", live={"cells": cells})[0] == "not testable here"
    cells.append(cell("ta_musr", "Soft reasoning"))
    shown, evidence = verdict("rarely-significant", live={"cells": cells})
    assert shown == "shown" and evidence == "1 of 3 live cells are significant"
    cells += [cell("siqa", "Commonsense", True), cell("gsm8k", "Mathematical", True)]
    assert verdict("rarely-significant", live={"cells": cells})[0] == "not shown"
    few = [row | {"n": 16} for row in cells]
    assert verdict("rarely-significant", live={"cells": few})[0] == "not testable here"


@pytest.mark.parametrize(
    ("share", "wanted"), [(62.5, "shown"), (37.5, "not shown"), (None, "not testable here")]
)
def test_the_equals_sign_is_judged_on_mmlu(share, wanted):
    live = {
        "cells": [cell("mmlu_pro", "Knowledge"), cell("gsm8k", "Mathematical")],
        "equals": {"m:zs/mmlu_pro": {"share_with": share}, "m:zs/gsm8k": {"share_with": 90.0}},
    }
    assert verdict("equals-sign", live=live)[0] == wanted


def test_plans_and_tools():
    shown = plans(da=20.0, cot=60.0, plan_direct=35.0, plan_tool=70.0)
    assert verdict("plan-alone", **shown)[0] == verdict("tool", **shown)[0] == "shown"
    other = plans(da=20.0, cot=60.0, plan_direct=45.0, plan_tool=60.0)
    assert verdict("plan-alone", **other)[0] == verdict("tool", **other)[0] == "not shown"
    worse = plans(da=20.0, cot=15.0, plan_direct=10.0)
    assert verdict("plan-alone", **worse)[0] == "not shown"
    few = plans(n=8, da=20.0, cot=60.0, plan_direct=35.0, plan_tool=70.0)
    assert verdict("plan-alone", **few)[0] == verdict("tool", **few)[0] == "not testable here"


def test_wordings():
    rows = [
        {"n": 100, "spread": 3.0, "best": "steps, plan"},
        {"n": 200, "spread": 6.0, "best": "breath"},
    ]
    assert verdict("wordings", wordings=rows)[0] == "shown"
    same = [row | {"best": "steps"} for row in rows]
    assert verdict("wordings", wordings=same) == (
        "not shown",
        "mean spread 4.5 points on 2 tasks; best everywhere: steps",
    )
    few = [row | {"n": 16} for row in rows]
    assert verdict("wordings", wordings=few)[0] == "not testable here"
    wide = [row | {"spread": 9.0} for row in rows]
    assert verdict("wordings", wordings=wide)[0] == "not shown"


@pytest.mark.acceptance
def test_the_published_files_make_all_our_files(data):
    made = {name for part in PAPER.data for file in part.files for name in file.makes}
    folder = data_folders.folder("tocot")
    assert made == {str(file.relative_to(folder)) for file in folder.rglob("*.gz")}
