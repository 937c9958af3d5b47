import pytest
from tenpapers.errors import UserError
from tocot.scoring.cell_tests import cell_tests, family, verdict
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


@pytest.mark.parametrize(("n", "exact"), [(1, 0.5), (3, 0.125)])
def test_a_few_pairs_that_all_gain_are_not_significant(n, exact):
    """The bootstrap draws nothing but gains from them; the exact test says what they are worth."""
    rows = [
        graded(str(i), arm, correct=arm == "cot") for i in range(n) for arm in ("direct", "cot")
    ]
    (row,) = cell_tests(cells(rows))
    assert row["p"] < 1e-5 and row["mcnemar_p"] == exact and row["significant"] is False


def test_six_pairs_that_all_gain_are_significant():
    rows = [
        graded(str(i), arm, correct=arm == "cot") for i in range(6) for arm in ("direct", "cot")
    ]
    (row,) = cell_tests(cells(rows))
    assert row["mcnemar_p"] == 1 / 64 and row["significant"] is True


def test_a_family_without_a_task_names_the_tasks_there_are_and_their_groups():
    own = [graded("1", "direct"), graded("1", "cot")]
    law = [graded("1", arm, task="mmlu", group="Knowledge") for arm in ("direct", "cot")]
    with pytest.raises(UserError, match=r"no task of Symbolic: s/t \(no group\), s/mmlu \(Knowl"):
        family(cells(own + law), ["symbolic"])
    assert [cell.task for cell in family(cells(own + law), ["knowledge"])] == ["mmlu"]
    with pytest.raises(UserError, match="no task with both arms"):
        family(cells(own[:1]), [])
