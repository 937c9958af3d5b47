import pytest
from tenpapers.errors import UserError
from tocot.scoring.cell_numbers import cell_numbers, warnings
from tocot.scoring.pairs import cell_pairs, cells, credit, paired

from ..conftest import graded


def test_the_three_policies_by_hand():
    rows = [
        graded("1", "direct", False, False, n_choices=4),
        graded("1", "cot"),
        graded("2", "direct"),
        graded("2", "cot", False),
    ]
    (cell,) = cells(rows)
    numbers = {policy: cell_numbers(cell, policy) for policy in ("wrong", "guess", "drop")}
    assert (numbers["wrong"]["direct"], numbers["wrong"]["cot"]) == (50, 50)
    assert numbers["guess"]["direct"] == 62.5 and numbers["guess"]["delta"] == -12.5
    assert (numbers["drop"]["n"], numbers["drop"]["direct"], numbers["drop"]["cot"]) == (1, 100, 0)
    assert numbers["wrong"]["unparsed_direct"] == 50
    assert credit(graded("1", "cot", False, False), "guess") == 0  # no options: no guess
    assert credit(graded("1", "cot", False, False, n_choices=1), "guess") == 0  # nothing to choose
    assert credit(graded("1", "cot", False, False, n_choices=3), "guess") == 1 / 3


def test_pairs_are_matched_by_id():
    rows = [graded("1", "direct"), graded("2", "direct"), graded("1", "cot"), graded("3", "cot")]
    (cell,) = cells(rows)
    assert cell_pairs(cell).ids == ["1"] and cell.unpaired == 2
    assert any("2 items have one arm only" in line for line in warnings([cell]))
    with pytest.raises(UserError, match="id '1' twice in arm direct"):
        cells([*rows, graded("1", "direct")])
    with pytest.raises(UserError, match="no id in common: 1 and 1"):
        paired([graded("1", "direct")], [graded("2", "cot")])
