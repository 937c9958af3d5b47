"""From an example and a candidate solution to the program that is executed."""

import ast
import re
from collections.abc import Iterable

from tenpapers.errors import UserError
from tenpapers.sandbox import Program

from ..inputs.update_types import enforce_statements
from ..records import ProgSynExample

Part = tuple[str, str]
# A program that runs out of time in two of its tests is not worth the time of the others.
MOST_TIMEOUTS = 2

# Before the update is in force: a patched function may be one that seeding uses.
SEED = """\
def _seeded():
    import random, sys
    random.seed(0)
    states = [(random.setstate, random.getstate())]
    if "numpy" in sys.modules:
        numpy = sys.modules["numpy"]
        numpy.random.seed(0)
        states.append((numpy.random.set_state, numpy.random.get_state()))
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.manual_seed(0)
        states.append((torch.set_rng_state, torch.get_rng_state()))
    return lambda: [restore(state) for restore, state in states]
_restore_random = _seeded()
del _seeded
"""


def test_name(test: str, owner: str) -> str:
    """Name of the one top-level function of a test.

    Raises
    ------
    UserError : the text does not parse or has not exactly one top-level function.
    """
    try:
        body = ast.parse(test).body
    except SyntaxError as error:
        raise UserError(f"{owner}: test does not parse: {error.msg}") from None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise UserError(f"{owner}: a test text must be exactly one top-level function")
    return body[0].name


def check_tests(examples: Iterable[ProgSynExample]) -> None:
    """Check that every test is exactly one function.

    Raises
    ------
    UserError : see `test_name`.
    """
    for example in examples:
        for test in example.unit_tests:
            test_name(test, example.prog_syn_id)


def test_call(test: str, owner: str) -> str:
    """A test followed by its call."""
    return f"{test}\n{test_name(test, owner)}()\n"


def solution_name(example: ProgSynExample) -> str:
    """Name of the wanted function; 29 signatures of the data do not begin with `def`."""
    found = re.search(r"(\w+)\s*\(", example.solution_signature)
    return found.group(1) if found else example.solution_signature.strip()


def parts_before(example: ProgSynExample, *, with_update: bool) -> list[Part]:
    """Parts 1 to 3: imports, implementation and, with the update, its enforcement."""
    parts = [("imports", "\n".join(example.imports)), ("seed", SEED)]
    parts.append(("update", example.update.implementation))
    if with_update:
        parts.append(("enforce", enforce_statements(example.update)))
    return parts


def build_program(example: ProgSynExample, code: str, test: str, with_update: bool) -> str:
    """Write the complete program of one test as one text, in the paper's order."""
    parts = [
        text for name, text in parts_before(example, with_update=with_update) if name != "seed"
    ]
    return "\n".join([*parts, code, test_call(test, example.prog_syn_id)])


def parses(example: ProgSynExample, code: str) -> bool:
    """Whether the program around `code` is Python at all, so that a process is worth starting."""
    imports, implementation = "\n".join(example.imports), example.update.implementation
    try:
        compile("\n".join([imports, implementation, code]), "<solution>", "exec", 0, True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def program(
    key: str,
    example: ProgSynExample,
    code: str,
    *,
    with_update: bool,
    probe: list[Part] | None = None,
    tests: list[str] | None = None,
    stop_on_failure: bool = False,
    stop_on_pass: bool = False,
    most_timeouts: int = MOST_TIMEOUTS,
    isolate_tests: bool = True,
    capture: bool = False,
) -> Program:
    """Make the sandbox program of one sample in one mode: set-up once, every test a case.

    Parameters
    ----------
    probe : extra parts between the update and the solution.
    tests : complete case texts; default each test of the example with its call.
    most_timeouts : after so many the other tests are `timeout` without being run; 0 runs all.
    capture : keep what is printed.
    """
    owner = example.prog_syn_id
    cases = [test_call(test, owner) for test in example.unit_tests] if tests is None else tests
    setup = [*parts_before(example, with_update=with_update), *(probe or []), ("solution", code)]
    return Program(
        key,
        tuple(setup),
        tuple(cases),
        stop_on_failure=stop_on_failure,
        stop_on_pass=stop_on_pass,
        most_timeouts=most_timeouts,
        isolate_cases=isolate_tests,
        capture=capture,
    )
