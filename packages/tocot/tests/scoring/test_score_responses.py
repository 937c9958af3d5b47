from tenpapers.testing import write_rows
from tocot.scoring.cell_numbers import cell_numbers
from tocot.scoring.pairs import cells
from tocot.scoring.score_responses import score_file

from ..conftest import pair


def test_a_gold_answer_that_is_no_label_is_kept(tmp_path):
    file = write_rows(tmp_path / "r.jsonl", [pair("1", "B", "the answer is C", gold="Z")])
    rows = score_file(file)
    assert [one.correct for one in rows] == [False, False] and len(rows) == 2


def test_an_arm_that_was_not_run_is_left_out(tmp_path):
    file = write_rows(tmp_path / "r.jsonl", [pair("1", "A", None), pair("2", "A", "A")])
    (cell,) = cells(score_file(file))
    assert cell_numbers(cell)["n"] == 1 and cell.unpaired == 1
