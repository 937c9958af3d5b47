"""Two probes of what a passing test shows: does the test itself need the update, is it called?

Both are source text that runs in the sandbox beside the program.
"""

from collections.abc import Iterable, Iterator

from tenpapers.sandbox import Program, SandboxPool, Verdict

from ..inputs.update_types import UpdateType, implemented_name, old_name, parent_path
from ..records import ApiUpdate, ProgSynExample
from .programs import Part, program, solution_name, test_name

_REPLAY = '''
class NotRecorded(Exception):
    pass

def _replay(test, name, undo):
    """Run `test` with the update and keep what the solution returns; take the update back; hand
    the same values out again. What the test then does differently, it does on its own account."""
    import collections.abc, copy
    space, kept = globals(), []
    solution = space[name]

    def keep(value):
        if isinstance(value, collections.abc.Iterator):
            value = list(value)
            kept.append((True, copy.deepcopy(value)))
            return iter(value)
        try:
            kept.append((False, copy.deepcopy(value)))
        except Exception:
            kept.append((False, value))
        return value

    space[name] = lambda *args, **kwargs: keep(solution(*args, **kwargs))
    try:
        _restore_random()
        test()
    except Exception as error:
        raise NotRecorded from error
    undo()
    left = iter(kept)

    def again(*args, **kwargs):
        lazy, value = next(left)
        return iter(value) if lazy else value

    space[name] = again
    _restore_random()
    test()
'''

_WATCH = """
def _watch(parent, name):
    import functools, sys
    new, calls = globals()[name], [0]

    @functools.wraps(new)
    def watched(*args, **kwargs):
        if sys._getframe(1).f_code.co_filename == "<solution>":
            calls[0] += 1
        return new(*args, **kwargs)

    setattr(parent, name, watched)
    globals()[name] = watched
    return calls
"""


def _undo(update: ApiUpdate) -> str:
    """Write a function that takes the update back."""
    path, parent = update.function_path, parent_path(update.function_path)
    kind, lines = UpdateType.parse(update.update_type), []
    if implemented_name(update) != old_name(path):
        lines.append(f"    delattr({parent}, {implemented_name(update)!r})")
    if kind.place != "function" or kind.aspect == "name":
        lines.append(f"    {path} = old_{old_name(path)}")
    return "def _undo():\n" + "\n".join(lines) + "\n"


def dependence_program(example: ProgSynExample, *, key: str = "", control: bool = False) -> Program:
    """Make the program whose every case fails if that test depends on the update by itself.

    Parameters
    ----------
    key : of the program; default the example's id.
    control : leave the update on in the second run; nothing should then fail.
    """
    undo = "def _undo():\n    pass\n" if control else _undo(example.update)
    probe: list[Part] = [("probe", _REPLAY + undo)]
    name, owner = solution_name(example), example.prog_syn_id
    cases = [
        f"{test}\n_replay({test_name(test, owner)}, {name!r}, _undo)\n"
        for test in example.unit_tests
    ]
    code = example.ref_solution
    return program(key or owner, example, code, with_update=True, probe=probe, tests=cases)


def self_dependence(
    examples: Iterable[ProgSynExample], pool: SandboxPool, *, control: bool = False
) -> Iterator[tuple[str, list[bool | None]]]:
    """Yield for each example, as they are done, whether each test depends on the update itself.

    None where that cannot be decided: the reference fails, or the time is up.
    """
    for verdict in pool.run(dependence_program(example, control=control) for example in examples):
        yield verdict.key, depends(verdict)


def depends(verdict: Verdict) -> list[bool | None]:
    """Read the verdict of a `dependence_program`."""
    return [_depends(status) for status in verdict.statuses]


def _depends(status: str) -> bool | None:
    if status in ("error:NotRecorded", "timeout", "memory", "crash"):
        return None
    return status != "passed"


def called_program(key: str, example: ProgSynExample, code: str, *, isolate: bool) -> Program:
    """Make the program of which a case passes if the solution called the new function in it."""
    update, owner = example.update, example.prog_syn_id
    parent, name = parent_path(update.function_path), implemented_name(update)
    probe: list[Part] = [("probe", f"{_WATCH}\n_calls = _watch({parent}, {name!r})\n")]
    cases = [
        f"{test}\n{test_name(test, owner)}()\nassert _calls[0]\n" for test in example.unit_tests
    ]
    return program(
        key,
        example,
        code,
        with_update=True,
        probe=probe,
        tests=cases,
        stop_on_pass=True,
        isolate_tests=isolate,
    )
