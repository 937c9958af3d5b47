from hypothesis import given
from hypothesis import strategies as st
from tocot.solvers.plan_repair import logic_lines, recover_plan
from tocot.solvers.python import solve_python

from ..conftest import body

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


def test_what_stands_before_the_plan_and_is_needed_stays():
    plan = recover_plan(
        "Here is the plan.\nimport math\nRATE = 3\n\ndef double(x):\n    return 2 * x\n\n"
        "def solution():\n    return double(math.floor(2.5)) * RATE\n"
    )
    assert solve_python(plan.text).value == 12
    assert plan.repairs == ["text before"] and "Here" not in plan.text


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
