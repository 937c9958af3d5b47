import json
import math
import time
from pathlib import Path

import pytest
from tenpapers.testing import read_rows
from tocot.solvers.plan_repair import recover_plan
from tocot.solvers.python import refusal, solve_python, solve_python_all

from ..conftest import body


def test_a_plan_gives_its_number():
    found = solve_python(body("eggs = 16 - 3", "result = eggs * 2.5", "return result"))
    assert found == ("ok", 32.5, "")
    assert (
        solve_python(body("from fractions import Fraction", "return Fraction(1, 4)")).value == 0.25
    )
    assert solve_python("import math\n" + body("return math.floor(2.7)")).value == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("return 'x'", "bad_type: str"),
        ("return True", "bad_type: bool"),
        ("x = 1", "NoneType"),
        ("return (1, 2)", "bad_type: tuple"),
        ("return float('inf')", "bad_value"),
        ("return unknown", "NameError"),
        ("return 1 / 0", "ZeroDivisionError"),
    ],
)
def test_other_results_are_errors(line, told):
    status, value, error = solve_python(body(line))
    assert status == "error" and value is None and told in error


@pytest.mark.parametrize(
    "plan",
    [
        body("import os", "return os.getpid()"),
        body("return open('x', 'w').write('x')"),
        body("return ().__class__.__mro__[1].__subclasses__()"),
        body("return eval('1')"),
        body("f = exec", "f('x = 1')"),
        body("return getattr(1, 'real')"),
        body("return __import__('os').fork()"),
        body("from subprocess import run", "return 1"),
        "class X:\n    pass\n" + body("return 1"),
        body("global x", "return 1"),
        body("with x as y:", "    return 1"),
        body("return '{0.__class__.__mro__}'.format(1)"),
        body("return (i for i in 'a').gi_frame"),
    ],
)
def test_what_no_plan_needs_is_refused(plan):
    assert solve_python(plan).status == "refused"


def descendants():
    """Processes that stem from this one."""
    here = pytest.importorskip("psutil").Process()
    return {one.pid for one in here.children(recursive=True)}


def test_hostile_plans_end_in_time_and_leave_nothing():
    before, processes = set(Path.cwd().iterdir()), descendants()
    plans = [
        body("while True:", "    pass"),
        body("return 10**10**8"),
        body("return len([0] * (2 * 1024**3 // 8))"),
        body("return solution()"),
        body("import os", "return os.getcwd()"),
        body("import os", "return os.fork()"),
        body("return ().__class__"),
        body("return open('/tmp/tocot-leak', 'w').write('x')"),
        body("return [i for i in range(10**12)]"),
    ]
    began = time.monotonic()
    found = solve_python_all(plans, workers=2)
    assert time.monotonic() - began < 3 * len(plans)
    assert [one.status for one in found][:2] == ["timeout", "timeout"]
    assert all(one.status in ("error", "timeout", "refused") for one in found)
    assert set(Path.cwd().iterdir()) == before and not Path("/tmp/tocot-leak").exists()
    assert descendants() <= processes


def test_not_python_and_no_function():
    assert solve_python("def solution(:").status == "error"
    # The parser runs out of memory and says nothing.
    assert solve_python("-" * 100_000 + "1").error == "not Python: MemoryError"
    assert "no function solution" in solve_python("x = 1").error
    assert refusal(body("return max([1, 2])")) == ""


@pytest.mark.acceptance
def test_gsm_hard_programs(data):
    problems = read_rows(data / "plans" / "gsm_hard.jsonl.gz")
    plans = [recover_plan(row["code"]).text for row in problems]
    found = solve_python_all(plans, timeout=10)  # a busy machine is slow
    assert len(problems) == 687
    for one, row in zip(found, problems, strict=True):
        assert one.status == "ok"
        assert math.isclose(one.value, row["target"], rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.acceptance
def test_codex_programs(data):
    plans = [
        recover_plan(row["generated_answer"])
        for row in read_rows(data / "plans" / "aqua_pal_codex.jsonl.gz")
    ]
    assert all(plan.text.count("def solution") == 1 for plan in plans)
    assert sum("run-on text" in plan.repairs for plan in plans) == 110
    found = solve_python_all([plan.text for plan in plans])
    assert sum(one.status == "ok" for one in found) >= 105
    assert any(": NameError: name " in one.error for one in found)
    assert json.dumps([one.value for one in found])
