import pytest
from tocot.scoring.cell_numbers import cell_numbers, group_table, merged_parts, positions, warnings
from tocot.scoring.pairs import cells

from ..conftest import graded


def test_errored_items_count_nowhere():
    rows = [
        graded("1", "direct", errored=True),
        graded("1", "cot"),
        graded("2", "direct"),
        graded("2", "cot"),
    ]
    (cell,) = cells(rows)
    assert cell_numbers(cell)["n"] == 1 and cell.errored == 1
    assert any("1 of 2 items failed" in line for line in warnings([cell]))


def test_parts_are_pooled_and_groups_are_unweighted():
    def arm(task, right, wrong):
        return [
            one
            for n in range(right + wrong)
            for one in (
                graded(f"{task}{n}", "direct", False, task=task, group="Symbolic"),
                graded(f"{task}{n}", "cot", n < right, task=task, group="Symbolic"),
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
        graded("1", "direct", position=80, new_tokens=5),
        graded("1", "cot", False, position=9, new_tokens=105, truncated=True),
    ]
    found = cells(rows)
    place = positions(found)[0]
    assert (place["position_direct"], place["tokens_cot"]) == (80, 105)
    assert place["tokens_per_point"] is None  # no gain
    lines = warnings(found)
    assert any("character 80" in line for line in lines)
    assert any("reach the token budget" in line for line in lines)
