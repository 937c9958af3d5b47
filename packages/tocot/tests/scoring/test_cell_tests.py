import pytest
from tenpapers.errors import UserError
from tocot.scoring.cell_tests import cell_tests, verdict
from tocot.scoring.pairs import cells

from ..conftest import graded


def test_the_family_sets_the_level():
    rows = [
        one for n in range(40) for one in (graded(str(n), "direct", False), graded(str(n), "cot"))
    ]
    rows += [
        one
        for n in range(40)
        for one in (graded(str(n), "direct", task="u"), graded(str(n), "cot", task="u"))
    ]
    table = cell_tests(cells(rows), resamples=10_000)
    assert [one["significant"] for one in table] == [True, False]
    assert table[0]["alpha"] == 0.025 and "1 of 2 cells" in verdict(table)
    with pytest.raises(UserError, match="100 resamples cannot tell"):
        cell_tests(cells(rows), resamples=100)
