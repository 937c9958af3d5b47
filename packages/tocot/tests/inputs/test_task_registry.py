import pytest
from tenpapers.errors import UserError
from tocot.answering.run import plan_jobs
from tocot.inputs.task_registry import registry, task_spec

from ..conftest import item


def test_the_registry_has_the_papers_groups():
    groups = {}
    for spec in registry().values():
        groups.setdefault(spec.group, set()).add(spec.merge or spec.name)
    assert {name: len(tasks) for name, tasks in groups.items()} == {
        "Commonsense": 5,
        "Knowledge": 5,
        "Soft reasoning": 4,
        "Symbolic": 3,
        "Mathematical": 4,
    }  # (Knowledge has the development questions of MMLU as a task of ours)
    assert task_spec("csqa").budget == (10, 512)
    with pytest.raises(UserError, match="task quiz: unknown"):
        task_spec("quiz")


def test_the_small_window():
    spec = task_spec("mmlu")
    assert [spec.new_tokens(name) for name in ("zs_direct", "fs_cot")] == [10, 1024]
    assert [spec.new_tokens(name, small_window=True) for name in ("zs_direct", "fs_cot")] == [
        10,
        800,
    ]
    assert (spec.shown("fs_cot"), spec.shown("fs_cot", small_window=True)) == (None, 3)
    gpqa = task_spec("gpqa")
    assert [gpqa.new_tokens(name, small_window=True) for name in ("zs_cot", "fs_cot")] == [
        2048,
        400,
    ]
    team = task_spec("ta_musr")
    assert (team.shown("fs_direct"), team.shown("fs_cot")) == (3, 1)
    demos = [item(n, "mmlu", meta={"rationale": "r"}) for n in range(10, 15)]
    for small, count in ((False, 5), (True, 3)):
        (job,) = plan_jobs([item(1, "mmlu")], ["fs_cot"], demos=demos, small_window=small)
        assert len(job.prompt.messages) == 2 + 2 * count
        assert job.prompt.max_new_tokens == (800 if small else 1024)
    names = {name for one in registry().values() for name in one.small_budget}
    assert names <= {"zs_direct", "zs_cot", "fs_direct", "fs_cot"}
