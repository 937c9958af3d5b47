"""Types of what a solution returned, beside the reference's.

A test that asks `result == expected` believes a result whose own class says so. Where the text of a
passing solution could do that, its types are compared with those that the reference returns.
"""

import json
from contextlib import suppress

from tenpapers.sandbox import Program, Verdict

from ..records import ProgSynExample
from .programs import program, solution_name, test_name

_NOTE = """
def _noted(name):
    space, seen = globals(), set()
    solution = space[name]

    def kind(value, depth=0):
        own = type(value)
        told = f"{own.__module__}.{own.__qualname__}".removeprefix("builtins.")
        if own not in (dict, frozenset, list, set, tuple) or depth > 5:
            return told
        parts = [*value, *value.values()] if own is dict else value
        return f"{told}[{', '.join(sorted({kind(part, depth + 1) for part in parts}))}]"

    def noted(*args, **kwargs):
        value = solution(*args, **kwargs)
        seen.add(kind(value))
        return value

    space[name] = noted
    return seen

def _tell(seen):
    import json, os
    os.write(1, b"\\n" + json.dumps({"returned": sorted(seen)}).encode() + b"\\n")
"""


def types_program(key: str, example: ProgSynExample, code: str) -> Program:
    """Make the program whose output names the types of what `code` returns to the tests."""
    name, owner = solution_name(example), example.prog_syn_id
    cases = [
        f"_seen = _noted({name!r})\n{test}\n{test_name(test, owner)}()\n_tell(_seen)\n"
        for test in example.unit_tests
    ]
    probe = [("probe", _NOTE)]
    return program(key, example, code, with_update=True, probe=probe, tests=cases, capture=True)


def returned_types(verdict: Verdict) -> set[str]:
    """Read the verdict of a `types_program`: `float`, `list[int, str]`, `candidate.Any`."""
    found: set[str] = set()
    for line in verdict.output.splitlines():
        if line.startswith('{"returned": '):
            with suppress(ValueError, TypeError):  # the program may print anything
                found.update(str(kind)[:200] for kind in json.loads(line)["returned"])
    return found


def strange_types(solution: set[str], reference: set[str]) -> tuple[str, ...]:
    """Say what a solution returned that the reference does not; nothing if that failed."""
    strange = sorted(solution - reference) if reference else []
    wanted = " or ".join(sorted(reference))
    return tuple(f"returns {kind}, the reference {wanted}" for kind in strange)
