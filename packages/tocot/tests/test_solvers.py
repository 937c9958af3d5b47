import json
import math
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.records import read_json_lines
from tocot.solvers.logic import solve_bool, solve_fol
from tocot.solvers.plan_repair import logic_lines, recover_plan
from tocot.solvers.python import refusal, solve_python, solve_python_all
from tocot.solvers.z3_formulas import FormulaError, Vocabulary, from_python, from_signs


def rows(file):
    return [row for _, row in read_json_lines(file)]


def body(*lines):
    return "def solution():\n" + "".join(f"    {line}\n" for line in lines)


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
    ],
)
def test_what_no_plan_needs_is_refused(plan):
    assert solve_python(plan).status == "refused"


def descendants():
    """Processes that stem from this one."""
    return {one.pid for one in psutil.Process().children(recursive=True)}


def test_hostile_plans_end_in_time_and_leave_nothing():
    """Check 16."""
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
    assert "no function solution" in solve_python("x = 1").error
    assert refusal(body("return max([1, 2])")) == ""


MESSY = '''Sure!
```python
import math
def solution():
    """A question
that goes on"""
    # def solution is here
    x = [1,
2]
    if x:
        return 3
    return math.pi
    y = 4
```
And more:
def solution():
    return 9
'''


def test_recovery_of_a_messy_plan():
    plan = recover_plan(MESSY)
    assert (
        plan.text.startswith("import math\ndef solution")
        and plan.text.count("def solution():") == 1
    )
    assert plan.text.rstrip().endswith("return math.pi")
    assert plan.repairs == ["code fence", "text before", "run-on text", "text after return"]
    assert "y = 4" in plan.after and "return 9" in plan.after
    assert solve_python(plan.text).value == 3
    assert recover_plan("no plan").text == "" and recover_plan("no plan").after == "no plan"


def test_an_indented_plan_moves_to_the_margin():
    plan = recover_plan("  def solution():\n      return 2\n")
    assert solve_python(plan.text).value == 2 and "indented function" in plan.repairs


@given(st.text(max_size=200))
def test_recovery_never_fails(text):
    plan = recover_plan(f"def solution():\n    {text}")
    assert plan.text.count("\n") >= 1


def test_repairs_of_formulas():
    plan = recover_plan(
        body(
            "# All cats purr.",
            "ForAll([x], Implies(Cat(x),",
            "Purr(x))  # so",
            "fact = Cat(tom-cat) = True",
            "2Pac(x.y)",
            "return Purr('tom-cat')",
        )
    )
    premises, conclusion, repairs = logic_lines(plan)
    assert premises == [
        "ForAll([x], Implies(Cat(x), Purr(x)))",
        "Cat(tom_cat) == True",
        "n2Pac(x_y)",
    ]
    assert conclusion == "Purr(tom_cat)"
    assert set(repairs) >= {"line joined", "brackets", "identifier", "leading digit", "= as =="}


def test_contexthub_formulas_by_hand():
    facts = "aaa is True.\naab is False.\n(aaa or aab) -> aac.\n"
    assert solve_bool(facts + "Deduce the result of aac.").value == "True"
    assert solve_bool("aaa is False.\n(aaa) -> aab.\nDeduce the result of aab.").value == "N/A"
    abduced = "(aaa or aab) -> aac.\nGiven aac is False, what is the value of aab?."
    assert solve_bool(abduced).value == "False"
    assert (
        solve_bool("(NOT aaa) -> aab.\nGiven aab is False, what is the value of aaa?").value
        == "True"
    )
    assert "contradiction" in solve_bool("a is True.\na is False.\nDeduce the result of b.").error
    assert "neither a fact" in solve_bool("Hello.").error and "no question" in solve_bool("").error


def test_plans_of_formulas():
    plan = body("rained", "Implies(Or(rained, hose), wet)", "return wet")
    assert solve_bool(plan).value == "True"
    assert solve_bool(body("not a or b", "a", "return b")).value == "True"
    assert solve_bool(body("a == b", "b = False", "return a")).status in ("ok", "error")
    fol = body("ForAll([x], Implies(Cat(x), Purrs(x)))", "Cat(tom)", "return Purrs(tom)")
    assert solve_fol(fol).value == "True"
    refuted = fol.replace("return Purrs(tom)", "return Not(Purrs(tom))")
    assert solve_fol(refuted).value == "False"
    assert solve_fol(body("Bird(kiki)", "return Sings(kiki)")).value == "Unknown"
    # A call is the name of a predicate, whatever it is called; nothing is run.
    assert solve_fol(body("return __import__('os')")).value == "Unknown"


def test_first_order_signs():
    given = {"premises": ["∀x (Cat(x) → Purrs(x))", "Cat(tom)"], "conclusion": "Purrs(tom)"}
    assert solve_fol(given).value == "True"
    assert solve_fol(given | {"conclusion": "¬Purrs(tom)"}).value == "False"
    assert solve_fol(given | {"conclusion": "∀x Purrs(x)"}).value == "Unknown"
    assert solve_fol(given | {"conclusion": "∀x Purrs(x)"}, "closed").value == "True"
    assert solve_fol(given | {"conclusion": "(Purrs(tom)"}).status == "error"
    assert solve_fol({"premises": "x"}).error.startswith("a first-order plan has")
    assert solve_fol({"premises": ["P(a) ∧ ¬P(a)"], "conclusion": "P(b)"}).error.startswith(
        "contra"
    )
    assert solve_fol({"premises": ["∀x ∀y (x = y)", "P(a)"], "conclusion": "P(b)"}).value == "True"


def test_precedence_of_signs():
    words = Vocabulary(propositional=False)
    assert str(from_signs("¬P(a) ∧ Q(a) → R(a)", words)) == str(
        from_signs("((¬P(a)) ∧ Q(a)) → R(a)", words)
    )
    assert str(from_signs("P(a) → Q(a) → R(a)", words)) == str(
        from_signs("P(a) → (Q(a) → R(a))", words)
    )
    for wrong in ("P(a", "P(a))", "∀ (P(a))", "a", "P(a) &", ""):
        with pytest.raises(FormulaError):
            from_signs(wrong, words)


DEEP = ["(" * 300 + "a" + ")" * 300, "Not(" * 150 + "a" + ")" * 150]


@pytest.mark.parametrize("text", ["a + b", "(lambda: 1)()", "a.b", "And()", "[1]", "f(", *DEEP])
def test_no_text_is_executed(text):
    with pytest.raises(FormulaError):
        from_python(text, Vocabulary(propositional=True))


@pytest.mark.acceptance
def test_gsm_hard_programs(data):
    """Check 12."""
    problems = rows(data / "plans" / "gsm_hard.jsonl.gz")
    found = solve_python_all([recover_plan(row["code"]).text for row in problems])
    assert len(problems) == 687
    for one, row in zip(found, problems, strict=True):
        assert one.status == "ok"
        assert math.isclose(one.value, row["target"], rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.acceptance
def test_contexthub_gold_labels(data):
    """Check 13."""
    right = total = 0
    for part in ("deductive_l1", "deductive_l2", "abductive_l1", "abductive_l2"):
        for row in rows(data / "tasks" / f"contexthub_{part}.jsonl.gz"):
            right += solve_bool(row["abstract"]).value == row["gold"]
            total += 1
    assert right == total == 1280


@pytest.mark.acceptance
def test_folio_annotations(data):
    """Check 14."""
    found = [
        (
            solve_fol(
                {"premises": row["premises-FOL"].splitlines(), "conclusion": row["conclusion-FOL"]}
            ),
            row["label"],
        )
        for row in rows(data / "tasks" / "folio.jsonl.gz")
    ]
    assert len(found) == 95 and all(one.status in ("ok", "error", "timeout") for one, _ in found)
    assert sum(one.status == "ok" for one, _ in found) >= 75
    assert sum(one.value == label for one, label in found) >= 55


@pytest.mark.acceptance
def test_codex_programs(data):
    """Check 15."""
    plans = [
        recover_plan(row["generated_answer"])
        for row in rows(data / "plans" / "aqua_pal_codex.jsonl.gz")
    ]
    assert all(plan.text.count("def solution") == 1 for plan in plans)
    assert sum("run-on text" in plan.repairs for plan in plans) == 110
    found = solve_python_all([plan.text for plan in plans])
    assert sum(one.status == "ok" for one in found) >= 105
    assert {one.error for one in found if one.status != "ok"} >= {"NameError"}
    assert json.dumps([one.value for one in found])
