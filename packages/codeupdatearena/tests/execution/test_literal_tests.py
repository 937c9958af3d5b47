import pytest
from codeupdatearena.execution.literal_tests import literalise
from codeupdatearena.execution.references import run_references
from codeupdatearena.execution.self_dependence import self_dependence
from tenpapers.sandbox import SandboxPool

from ..conftest import by_id

COMPUTED = {
    "list": "expected_result = sorted(x * 2 for x in range(3))",
    "array": "import numpy\n    expected_result = numpy.arange(4, dtype='float32').reshape(2, 2)",
    "tensor": "import torch\n    expected_result = torch.ones(2, dtype=torch.int64)",
    "sympy": "import sympy\n    x = sympy.Symbol('x')\n    expected_result = x ** 2 + 1",
    "iterator": "expected_result = iter([1, 2])",
    "match": "import re\n    expected_result = re.match('a', 'a')",
}
LITERALS = {
    "list": "[0, 2, 4]",
    "array": "__import__('numpy').array([[0.0, 1.0], [2.0, 3.0]], dtype='<f4')",
    "tensor": "__import__('torch').tensor([1, 1], dtype=__import__('torch').int64)",
    "sympy": "eval(\"Add(Pow(Symbol('x'), Integer(2)), Integer(1))\", "
    "dict(vars(__import__('sympy'))))",
    "iterator": "[1, 2]",
    "match": None,
}


@pytest.fixture(scope="module")
def pool():
    with SandboxPool(workers=1) as found:
        yield found


@pytest.mark.parametrize("kind", COMPUTED)
def test_values_become_literals_where_they_come_back_the_same(mini, pool, kind):
    test = (
        "def test_it():\n    result = distance_in_metres((0, 0), (3, 4))\n"
        f"    {COMPUTED[kind]}\n    assert expected_result is not None"
    )
    example = mini.examples[0].model_copy(update={"unit_tests": [test]})
    ((made,), counts) = literalise([example], pool)
    if LITERALS[kind] is None:
        assert made.unit_tests == [test]
        assert counts == {"kept: no literal (does not round-trip)": 1}
    else:
        assert f"expected_result = {LITERALS[kind]}" in made.unit_tests[0]
        assert counts == {"converted": 1}


def test_a_dependent_test_no_longer_needs_the_update(mini, pool):
    example = by_id(mini, "[math.hypot]:[add-argument]:[update-0]:[prog_syn-0]")
    (made,), counts = literalise([example], pool)
    assert made.unit_tests[2] == (
        "def test_negative_coordinates():\n"
        "    result = distance_in_metres((-1, 0), (1, 0))\n"
        "    expected_result = 2000.0\n"
        "    assert math.isclose(result, expected_result)"
    )
    assert counts == {"kept: no expected value": 2, "converted": 1}
    (outcome,) = run_references([made], pool)
    assert outcome.with_update == ["passed"] * 3
    assert dict(self_dependence([made], pool))[made.prog_syn_id] == [False] * 3
