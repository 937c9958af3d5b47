import time

import pytest
from tenpapers.journal import Journal
from tocot.study.live_parts import Live, cell_sentence, live_plans, live_tasks, live_wordings
from tocot.study.settings import StudySettings


@pytest.fixture
def live(tiny, tmp_path):
    task = "contexthub_deductive_level1"
    study = StudySettings(
        n=2,
        tasks=("csqa", task),
        budgets=(4, 6),
        plan_tasks=(task,),
        plan_n=1,
        plan_budget=8,
        plan_few_shot=False,
        wordings=("csqa",),
        wording_n=1,
        resamples=20_000,
    )
    with Journal(tmp_path, key={}) as journal:
        yield Live(journal, study, tiny, None)


@pytest.mark.acceptance
@pytest.mark.usefixtures("excerpt")
def test_every_part_leaves_its_numbers_and_tables(live):
    results = {}
    shown = live_tasks(live, results) + live_plans(live, results) + live_wordings(live, results)
    assert [row["n"] for row in results["live"]["cells"]] == [2, 2]
    assert "tiny:zs/all" in results["live"]["equals"] and results["live"]["new_tokens"] > 0
    names = ["da", "cot", "plan_direct", "plan_cot", "plan_tool"]
    assert [row["setting"] for row in results["plans"]] == names
    (row,) = results["wordings"]
    assert row["n"] == 1 and row["spread"] == row["max"] - row["min"]
    assert len([part for part in shown if not isinstance(part, str)]) == 5


@pytest.mark.acceptance
@pytest.mark.usefixtures("excerpt")
def test_nothing_is_begun_when_the_time_is_over(live):
    late = Live(live.journal, live.study, live.model, time.monotonic() - 1)
    results = {}
    assert live_tasks(late, results) + live_plans(late, results) == []
    assert results == {"plans": []}


def test_a_cell_claims_something_where_its_interval_leaves_out_zero():
    row = {"task": "m:zs/csqa", "delta": 12.5, "n": 16, "ci_low": 0.5, "ci_high": 24.0}
    wanted = "m:zs/csqa: +12.5 points (n = 16), the 95 % interval +0.5 to +24.0 does not cover 0."
    assert cell_sentence(row) == wanted
    assert cell_sentence(row | {"ci_low": 0.0}).endswith("covers 0: no claim.")
