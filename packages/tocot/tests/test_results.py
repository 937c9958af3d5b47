import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenpapers.errors import UserError
from tocot.literature import meta_analyse, plain_category, read_categories, read_results
from tocot.records import Graded
from tocot.scoring.advice import advise_cells
from tocot.scoring.cell_numbers import cell_numbers, group_table, merged_parts, positions, warnings
from tocot.scoring.cell_tests import cell_tests, verdict
from tocot.scoring.equals_sign import (
    EqualsPair,
    equals_pairs,
    equals_split,
    pooled,
    subject_table,
    text_classifier,
)
from tocot.scoring.paired_tests import bootstrap_paired, discordant, mcnemar, paired_t
from tocot.scoring.pairs import cell_pairs, cells, credit, paired
from tocot.scoring.score_responses import score_file

from .conftest import pair, write_rows


def row(name, arm, correct=True, parsed=True, **more):
    answer = "A" if parsed else None
    return Graded(
        id=name,
        source="s",
        task=more.pop("task", "t"),
        arm=arm,
        answer=answer,
        parsed=parsed,
        correct=correct,
        **more,
    )


def test_the_three_policies_by_hand():
    rows = [
        row("1", "direct", False, False, n_choices=4),
        row("1", "cot"),
        row("2", "direct"),
        row("2", "cot", False),
    ]
    (cell,) = cells(rows)
    numbers = {policy: cell_numbers(cell, policy) for policy in ("wrong", "guess", "drop")}
    assert (numbers["wrong"]["direct"], numbers["wrong"]["cot"]) == (50, 50)
    assert numbers["guess"]["direct"] == 62.5 and numbers["guess"]["delta"] == -12.5
    assert (numbers["drop"]["n"], numbers["drop"]["direct"], numbers["drop"]["cot"]) == (1, 100, 0)
    assert numbers["wrong"]["unparsed_direct"] == 50
    assert credit(row("1", "cot", False, False), "guess") == 0  # no options: no guess


def test_pairs_are_matched_by_id():
    """Check 19."""
    rows = [row("1", "direct"), row("2", "direct"), row("1", "cot"), row("3", "cot")]
    (cell,) = cells(rows)
    assert cell_pairs(cell).ids == ["1"] and cell.unpaired == 2
    assert any("2 items have one arm only" in line for line in warnings([cell]))
    with pytest.raises(UserError, match="id '1' twice in arm direct"):
        cells([*rows, row("1", "direct")])
    with pytest.raises(UserError, match="no id in common: 1 and 1"):
        paired([row("1", "direct")], [row("2", "cot")])


def test_errored_items_count_nowhere():
    rows = [row("1", "direct", errored=True), row("1", "cot"), row("2", "direct"), row("2", "cot")]
    (cell,) = cells(rows)
    assert cell_numbers(cell)["n"] == 1 and cell.errored == 1
    assert any("1 of 2 items failed" in line for line in warnings([cell]))


def test_parts_are_pooled_and_groups_are_unweighted():
    def arm(task, right, wrong):
        return [
            one
            for n in range(right + wrong)
            for one in (
                row(f"{task}{n}", "direct", False, task=task, group="Symbolic"),
                row(f"{task}{n}", "cot", n < right, task=task, group="Symbolic"),
            )
        ]

    rows = arm("contexthub_deductive_level1", 1, 0) + arm("contexthub_abductive_level1", 0, 3)
    apart = cells(rows + arm("folio", 1, 1))
    merged = merged_parts(apart)
    assert [cell.task for cell in merged] == ["contexthub", "folio"]
    assert cell_numbers(merged[0])["cot"] == 25
    assert group_table(merged, "five")[0]["cot"] == (25 + 50) / 2
    assert group_table(apart, "five")[0]["cot"] == pytest.approx((100 + 0 + 50) / 3)


def test_positions_and_their_warnings():
    rows = [
        row("1", "direct", position=80, new_tokens=5),
        row("1", "cot", False, position=9, new_tokens=105, truncated=True),
    ]
    found = cells(rows)
    place = positions(found)[0]
    assert (place["position_direct"], place["tokens_cot"]) == (80, 105)
    assert place["tokens_per_point"] is None  # no gain
    lines = warnings(found)
    assert any("character 80" in line for line in lines)
    assert any("reach the token budget" in line for line in lines)


def arms(cot_only, direct_only, n):
    a, b = np.zeros(n), np.zeros(n)
    b[:cot_only] = 1
    a[cot_only : cot_only + direct_only] = 1
    return a, b


@pytest.mark.parametrize(
    ("cot_only", "direct_only", "n", "p", "tolerance"),
    [
        (94, 68, 491, 0.022, 0.001),
        (25, 9, 123, 0.0032, 0.0005),
        (60, 93, 597, 1.0, 0),
        (228, 23, 687, 1e-6, 1e-6),
    ],
)
def test_p_values_of_the_recorded_tasks(cot_only, direct_only, n, p, tolerance):
    """Check 7: svamp, aqua, csqa, gsm8k."""
    found = bootstrap_paired(*arms(cot_only, direct_only, n))
    assert found.p == pytest.approx(p, abs=tolerance)
    assert found.delta == pytest.approx((cot_only - direct_only) / n)
    assert found.ci_low < found.delta < found.ci_high


def test_identical_arms_and_no_items():
    a = np.array([0.0, 1, 1])
    found = bootstrap_paired(a, a, 1000)
    assert (found.delta, found.p) == (0, 1.0)
    assert bootstrap_paired(np.array([]), np.array([])).p is None
    with pytest.raises(UserError, match="arms of 1 and 2"):
        bootstrap_paired(np.zeros(1), np.zeros(2))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(cot_only, direct_only, source):
    a, b = arms(cot_only, direct_only, 50)
    order = list(range(50))
    source.shuffle(order)
    assert bootstrap_paired(a, b, 2000, seed=1) == bootstrap_paired(
        a[order], b[order], 2000, seed=1
    )


def test_multinomial_counts_equal_resampled_items():
    """The shortcut against the textbook loop."""
    rng = np.random.default_rng(0)
    a = rng.choice([0, 1 / 3, 1], size=60)
    b = rng.choice([0, 1 / 3, 1, 1], size=60)
    found = bootstrap_paired(a, b, 100_000, seed=3)
    d = b - a
    means = d[rng.integers(0, 60, size=(20_000, 60))].mean(axis=1)
    assert found.ci_low == pytest.approx(np.quantile(means, 0.025), abs=0.01)
    assert found.ci_high == pytest.approx(np.quantile(means, 0.975), abs=0.01)
    assert found.p == pytest.approx(np.mean(means >= 2 * d.mean()), abs=0.01)


def test_other_tests():
    assert mcnemar(5, 0) == pytest.approx(1 / 32) and mcnemar(0, 0) == 1
    assert paired_t([1.0]) is None and paired_t([1.0, 2.0, 3.0]) == pytest.approx(0.0742, abs=1e-3)
    assert discordant(*arms(3, 2, 9)) == (3, 2)


def test_the_family_sets_the_level():
    rows = [one for n in range(40) for one in (row(str(n), "direct", False), row(str(n), "cot"))]
    rows += [
        one
        for n in range(40)
        for one in (row(str(n), "direct", task="u"), row(str(n), "cot", task="u"))
    ]
    table = cell_tests(cells(rows), resamples=10_000)
    assert [one["significant"] for one in table] == [True, False]
    assert table[0]["alpha"] == 0.025 and "1 of 2 cells" in verdict(table)
    with pytest.raises(UserError, match="100 resamples cannot tell"):
        cell_tests(cells(rows), resamples=100)


def test_equals_by_hand():
    """Check 10."""

    def pairs(with_cot, without_cot):
        made = [EqualsPair(float(n < 2), float(n < with_cot), True) for n in range(10)]
        return made + [EqualsPair(float(n < 30), float(n < without_cot), False) for n in range(40)]

    assert equals_split(pairs(8, 32)).share_with == pytest.approx(75)
    assert equals_split(pairs(8, 29)).share_with == pytest.approx(120)
    nothing = equals_split(pairs(8, 24))
    assert nothing.share_with is None and "no net gain" in nothing.reason
    both = pooled([equals_split(pairs(8, 32)), equals_split(pairs(8, 29))])
    assert (both.n_with, both.gain_with) == (20, 12)


def test_where_the_sign_is_looked_for():
    direct = [row(str(n), "direct", False) for n in range(3)]
    cot = [
        row("0", "cot", eq_question=True),
        row("1", "cot", eq_response=True),
        row("2", "cot", False, False),
    ]
    counts = {
        scope: equals_split(equals_pairs(direct, cot, scope))
        for scope in ("both", "question", "response", "paper-code")
    }
    assert [one.n_with for one in counts.values()] == [2, 1, 1, 2]
    assert counts["paper-code"].left_out == 1
    with pytest.raises(UserError, match="no CoT arm"):
        equals_pairs(direct, [])


def test_subjects_and_the_classifier():
    table = subject_table([("a", 0.0, 1.0)] * 10 + [("b", 1.0, 1.0)] * 10 + [("c", 0, 1)] * 3)
    assert [one["subject"] for one in table] == ["a", "b"]
    assert table[0]["error_reduction"] == 1 and table[1]["error_reduction"] is None
    texts = ["x = 3 so"] * 20 + ["a tale of birds"] * 20
    found = text_classifier(texts, [True] * 20 + [False] * 20, [True] * 20 + [False] * 20)
    assert found["tf-idf"]["accuracy"] == found["equals sign"]["f1"] == 1
    with pytest.raises(UserError, match="folds"):
        text_classifier(texts, [True] * 40, [True] * 38 + [False] * 2)


def test_advice():
    rows = []
    for n in range(60):
        name, even = str(n), n % 2 == 0
        more = {"task": "gain", "category": "math"}
        rows += [
            row(name, "direct", False, new_tokens=2, **more),
            row(name, "cot", n < 50, new_tokens=102, **more),
            row(name, "direct", even, task="none"),
            row(name, "cot", even, task="none"),
            row(name, "direct", False, False, task="form", n_choices=1),
            row(name, "cot", True, task="form", n_choices=1),
            row(name, "direct", True, task="loss"),
            row(name, "cot", n < 20, task="loss"),
        ]
    found = {one["task"]: one for one in advise_cells(cells(rows))}
    assert found["s/gain"]["advice"].startswith("use CoT; prefer a plan")
    assert found["s/gain"]["tokens_per_point"] == pytest.approx(100 / (500 / 6))
    assert "no gain shown" in found["s/none"]["advice"]
    assert "mend the answer format" in found["s/form"]["advice"]
    assert "CoT hurts" in found["s/loss"]["advice"]


def test_a_gold_answer_that_is_no_label_is_kept(tmp_path):
    file = write_rows(tmp_path / "r.jsonl", [pair("1", "B", "the answer is C", gold="Z")])
    rows = score_file(file)
    assert [one.correct for one in rows] == [False, False] and len(rows) == 2


def test_an_arm_that_was_not_run_is_left_out(tmp_path):
    file = write_rows(tmp_path / "r.jsonl", [pair("1", "A", None), pair("2", "A", "A")])
    (cell,) = cells(score_file(file))
    assert cell_numbers(cell)["n"] == 1 and cell.unpaired == 1


META = "paper_id,dataset,category,direct,cot,delta\np,gsm,Math (arithmetic),10,30,20\n"


def test_meta_by_hand(tmp_path):
    file = tmp_path / "r.csv"
    more = [
        "p,sums,math,20,60,39",
        "q,gsm,math,50,50,0",
        "q,quiz,encyclopedic knowledge,70,71,1",
        "q,lost,,5,5,0",
        "q,mix,various,0,90,90",
    ]
    file.write_text(META + "\n".join(more) + "\n")
    found = meta_analyse(read_results([file]))
    means = found.categories.set_index("category")["mean"].to_dict()
    assert means["math"] == (30 + 0) / 2 and means["encyclopedic knowledge"] == 1
    assert found.mean_rows == pytest.approx((20 + 40 + 0 + 1) / 4)
    assert found.mean_cells == pytest.approx((30 + 0 + 1) / 3)
    assert any("1 data sets without a category: lost" in note for note in found.notes)
    assert any("1 stored deltas differ" in note for note in found.notes)
    assert found.outliers["category"].tolist() == ["encyclopedic knowledge"]
    assert plain_category("Math (arithmetic)") == "math"


def test_bad_meta_tables(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("paper_id,dataset,direct\np,x,3\n")
    with pytest.raises(UserError, match="missing column 'cot'"):
        read_results([file])
    file.write_text(META.replace("10,30", "10,130"))
    with pytest.raises(UserError, match=r"r.csv:2: cot 130 is not within 0 and 100"):
        read_results([file])
    cats = tmp_path / "c.csv"
    cats.write_text("Dataset,Category\ngsm,math\ngsm,other\n")
    with pytest.raises(UserError, match="data set 'gsm' has two categories"):
        read_categories(cats)
    with pytest.raises(UserError, match="no such file"):
        read_results([tmp_path / "none.csv"])


@pytest.mark.acceptance
def test_the_literature_sample(data):
    """Check 11."""
    found = meta_analyse(read_results([data / "meta" / "literature_mini.csv"]))
    assert (len(found.rows), len(found.cells)) == (53, 16)
    assert found.mean_rows == pytest.approx(20.674, abs=0.005)
    assert found.mean_cells == pytest.approx(19.761, abs=0.005)
    table = found.categories.set_index("category")
    wanted = {
        "symbolic & algorithmic": 42.278,
        "math": 35.357,
        "spatial & temporal reasoning": 22.980,
        "logical reasoning": 22.320,
        "commonsense reasoning": 13.273,
        "encyclopedic knowledge": 9.281,
        "meta-linguistic": 7.400,
        "text classification": -1.445,
        "other": -6.800,
    }
    for name, mean in wanted.items():
        assert table.loc[name, "mean"] == pytest.approx(mean, abs=0.005)
    assert table.loc["math", "median"] == pytest.approx(41.93, abs=0.005)
    named = found.top["named"]
    assert (named["cot"], named["direct"]) == pytest.approx((65.877, 30.386), abs=0.005)
    rest = found.top["named_others"]
    assert (rest["cot"], rest["direct"]) == pytest.approx((72.778, 62.454), abs=0.005)


@pytest.fixture(scope="module")
def logged(data):
    return cells(
        [
            one
            for file in sorted((data / "replay").glob("*.gz"))
            for one in score_file(file, grading="logged")
        ]
    )


@pytest.mark.acceptance
def test_logged_tables_are_recomputed_exactly(logged, data):
    """Checks 1, 7, 9: 39 tasks, accuracies, discordant pairs, p-values, equals counts."""
    expected = json.loads((data / "expected_replay.json").read_text())["tasks"]
    assert {cell.name for cell in logged} == set(expected)
    assert sum(len(cell.direct) for cell in logged) == 8129
    significant = 0
    for cell in logged:
        wanted, pairs = expected[cell.name], cell_pairs(cell)
        numbers = cell_numbers(cell)
        assert numbers["n"] == wanted["n"]
        assert numbers["direct"] == pytest.approx(wanted["direct_acc"], abs=1e-4)
        assert numbers["cot"] == pytest.approx(wanted["cot_acc"], abs=1e-4)
        assert discordant(pairs.direct, pairs.cot) == (wanted["cot_only"], wanted["direct_only"])
        p = bootstrap_paired(pairs.direct, pairs.cot, 200_000).p
        assert p == pytest.approx(wanted["bootstrap_p"], abs=2e-3)
        significant += p < 0.05 / 39
        split = equals_split(equals_pairs(cell.direct, cell.cot))
        assert (split.n_with, split.gain_with) == (wanted["n_with_eq"], wanted["net_gain_with_eq"])
    assert significant == 22
    by_name = {cell.name: equals_split(equals_pairs(cell.direct, cell.cot)) for cell in logged}
    assert by_name["zero_shot_cot/gsm8k"].share_with == pytest.approx(42.44, abs=0.01)
    assert by_name["zero_shot_cot/aqua"].share_with == pytest.approx(75)
    for source, share in (("zero_shot_cot", 14.07), ("big_bench_hard", 19.22)):
        own = [one for name, one in by_name.items() if name.startswith(source)]
        assert pooled(own).share_with == pytest.approx(share, abs=0.01)


@pytest.mark.acceptance
def test_the_policy_decides_strategyqa(logged):
    """Checks 5 and 6."""
    by_task = {cell.name: cell for cell in logged}
    strategy = by_task["zero_shot_cot/strategyqa"]
    for policy, direct, cot in (("wrong", 12.99, 55.08), ("guess", 51.98, 61.70)):
        numbers = cell_numbers(strategy, policy)
        assert (numbers["direct"], numbers["cot"]) == pytest.approx((direct, cot), abs=0.01)
    coin = cell_numbers(by_task["zero_shot_cot/coin_flip"], "guess")
    assert (coin["direct"], coin["cot"]) == pytest.approx((50.21, 88.09), abs=0.01)
    groups = {
        one["group"]: one["delta_guess"]
        for one in group_table(logged, "five")
        if one["source"] == "zero_shot_cot"
    }
    assert groups["Commonsense"] == pytest.approx(1.98, abs=0.02)
    assert groups["Mathematical"] == pytest.approx(17.94, abs=0.02)
    assert groups["Symbolic"] == pytest.approx(33.32, abs=0.02)
