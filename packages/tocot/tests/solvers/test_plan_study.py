from contextlib import nullcontext

import pytest
from tenpapers.errors import UserError
from tenpapers.testing import read_rows, write_rows
from tocot.solvers import plan_study as module
from tocot.solvers.plan_study import (
    plan_messages,
    plan_study,
    plan_table,
    run_plan_study,
    tool_answer,
)
from tocot.solvers.python import SolverResult
from tocot.solvers.settings import PlanSettings

from ..conftest import item, kept, sums


def test_the_three_plan_settings_share_their_plan_part():
    texts = {
        name: plan_messages(sums(), name, "python")[0].content
        for name in ("plan_direct", "plan_cot", "plan_tool")
    }
    heads = {text.rpartition("\n\n")[0] for text in texts.values()}
    assert len(heads) == 1 and len(set(texts.values())) == 3
    assert heads.pop().count("def solution():") == 3
    assert plan_messages(item(), "plan_tool", "bool")[0].content.count("def solution():") == 4


def test_solver_values_become_answers():
    assert tool_answer(SolverResult("ok", 7), sums()) == "7"
    logic = item(choices={"label": ["A", "B", "C"], "text": ["True", "False", "N/A"]})
    assert tool_answer(SolverResult("ok", "N/A"), logic) == "C"
    assert tool_answer(SolverResult("error", None, "x"), logic) is None


def test_the_plan_study_and_its_table(tiny, tmp_path):
    logic = item(
        task="contexthub_deductive_level1",
        gold="A",
        choices={"label": ["A", "B", "C"], "text": ["True", "False", "N/A"]},
    )
    settings = ["da", "cot", "plan_direct", "plan_cot", "plan_tool"]
    with kept(tmp_path / "o.jsonl") as log:
        found = plan_study(tiny, [logic], settings, log, budget=16, budgets=(8, 8))
        with pytest.raises(UserError, match="has no plans"):
            plan_study(tiny, [item()], settings, log)
        with pytest.raises(UserError, match="setting pal: unknown"):
            plan_study(tiny, [logic], ["pal"], log)
    table = plan_table(found)
    assert [row["setting"] for row in table] == settings
    for row, one in zip(table, found, strict=True):
        if not one.parsed:
            assert row["accuracy"] == pytest.approx(100 / 3) and row["unparsed"] == 100


def test_a_python_solver_needs_permission_and_a_task_its_own_form(tiny, tmp_path, monkeypatch):
    monkeypatch.delenv("TENPAPERS_ALLOW_CODE", raising=False)
    monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext(tiny))
    rows = write_rows(tmp_path / "i.jsonl", [sums().model_dump()])
    settings = PlanSettings(data=rows, settings="da,plan_tool", few_shot=False, budget=8)
    with pytest.raises(UserError, match="runs model-written code"):
        run_plan_study(settings, tmp_path / "o")
    found = run_plan_study(settings, tmp_path / "o", allow_code=True)
    assert [row.setting for row in found] == ["zs_direct", "plan_tool"]
    assert read_rows(tmp_path / "o" / "outputs" / "gsm8k.jsonl")[1]["credit"] == 0.0
