"""Literalising: a test states its expected value instead of computing it.

A test that calls the updated function itself to compute what it expects fails without the update
whatever the solution does. The value is recorded once, with the reference and the update, and
written into the test as a literal.
"""

import json
from collections import Counter
from collections.abc import Sequence

from tenpapers.sandbox import Program, SandboxPool

from ..records import ProgSynExample
from .expected_value import recording_test, with_literal
from .programs import program, test_name
from .self_dependence import self_dependence

MAX_LITERAL = 20_000

# Runs in the sandbox: writes a value as the Python expression that makes it again.
_RECORD = """
def _literal(value, depth=0):
    import collections.abc, math
    if depth > 20:
        raise ValueError("too deep")
    kind, name = type(value), type(value).__module__ + "." + type(value).__qualname__
    again = lambda part: _literal(part, depth + 1)
    if value is None or kind in (bool, int, str, bytes) or value is Ellipsis:
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    if kind is complex:
        return f"complex({again(value.real)}, {again(value.imag)})"
    if kind in (list, tuple, set, frozenset):
        if kind is frozenset or (kind is set and not value):
            return f"{kind.__name__}({again(sorted(value, key=repr))})"
        parts = sorted(map(again, value)) if kind is set else [again(part) for part in value]
        if kind is tuple:
            return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"
        return ("[%s]" if kind is list else "{%s}") % ", ".join(parts)
    if kind is dict:
        return "{" + ", ".join(f"{again(k)}: {again(v)}" for k, v in value.items()) + "}"
    if kind is range or kind is slice:
        return repr(value)
    if name == "numpy.ndarray":
        made = f"__import__('numpy').array({again(value.tolist())}, dtype={value.dtype.str!r})"
        return made if value.ndim and value.size else f"{made}.reshape({value.shape!r})"
    if name.startswith("numpy.") and hasattr(value, "dtype"):
        return f"__import__('numpy').dtype({value.dtype.str!r}).type({again(value.item())})"
    if name == "torch.Size":
        return f"__import__('torch').Size({list(value)!r})"
    if name == "torch.Tensor":
        if value.is_sparse or value.is_quantized:
            raise ValueError("no literal for this tensor")
        flat = again(value.detach().cpu().tolist())
        kind = f"__import__('torch').{str(value.dtype)[6:]}"
        made = f"__import__('torch').tensor({flat}, dtype={kind})"
        return made if value.numel() else f"{made}.reshape({tuple(value.shape)!r})"
    if name.startswith("sympy.") and hasattr(value, "free_symbols"):
        import sympy
        return f"eval({sympy.srepr(value)!r}, dict(vars(__import__('sympy'))))"
    if isinstance(value, collections.abc.Iterator):
        return again(list(value))
    raise ValueError("no literal for " + name)

def _record(value):
    import json, os
    try:
        text = _literal(value)
        if _literal(eval(text)) != text:
            raise ValueError("does not come back the same")
        told = {"literal": text}
    except Exception as error:
        told = {"refused": f"{type(error).__name__}: {error}"}
    os.write(1, json.dumps(told).encode() + b"\\n")
"""


def literalise(
    examples: Sequence[ProgSynExample], pool: SandboxPool
) -> tuple[list[ProgSynExample], Counter[str]]:
    """Convert every test that computes its expected value, where that can be done.

    A converted test passes with the reference and the update, and does not need the update by
    itself; anything else keeps its original text. Converting twice changes nothing.

    Returns
    -------
    The examples, and how many tests were `converted`, already `literal`, or kept and why.
    """
    recorded = _record_values(examples, pool)
    counts: Counter[str] = Counter()
    tried: list[ProgSynExample] = []
    for example in examples:
        tests = []
        for i, test in enumerate(example.unit_tests):
            told = recorded.get((example.prog_syn_id, i))
            if told is None or "literal" not in told:
                counts[(told or {}).get("refused", "kept: no expected value")] += 1
                tests.append(test)
            elif (changed := with_literal(test, told["literal"])) is None:
                counts["literal already"] += 1
                tests.append(test)
            else:
                tests.append(changed)
        tried.append(example.model_copy(update={"unit_tests": tests}))
    refused = _refusals(tried, pool)
    made = []
    for before, after in zip(examples, tried, strict=True):
        tests = []
        for i, (old, new) in enumerate(zip(before.unit_tests, after.unit_tests, strict=True)):
            reason = refused.get((before.prog_syn_id, i), "") if old != new else ""
            if old != new:
                counts[reason or "converted"] += 1
            tests.append(old if reason else new)
        made.append(before.model_copy(update={"unit_tests": tests}))
    return made, counts


def _record_values(
    examples: Sequence[ProgSynExample], pool: SandboxPool
) -> dict[tuple[str, int], dict[str, str]]:
    """For a test by its example and number: its `literal`, or why it is `refused` one."""
    programs: list[Program] = []
    for example in examples:
        for i, test in enumerate(example.unit_tests):
            recording = recording_test(test)
            if recording is None:
                continue
            call = f"{recording}\n{test_name(test, example.prog_syn_id)}()\n"
            recorder = program(
                f"{i}|{example.prog_syn_id}",
                example,
                example.ref_solution,
                with_update=True,
                probe=[("probe", _RECORD)],
                tests=[call],
                capture=True,
            )
            programs.append(recorder)
    recorded: dict[tuple[str, int], dict[str, str]] = {}
    for verdict in pool.run(programs):
        number, _, name = verdict.key.partition("|")
        if verdict.statuses != ("passed",):
            told = {"refused": "kept: the reference fails it"}
        else:
            told = _told(verdict.output)
        recorded[name, int(number)] = told
    return recorded


def _told(output: str) -> dict[str, str]:
    try:
        told = json.loads([line for line in output.splitlines() if line.startswith('{"')][-1])
    except (IndexError, json.JSONDecodeError):
        return {"refused": "kept: no literal (too long)"}
    if "literal" not in told:
        return {"refused": "kept: no literal (does not round-trip)"}
    if len(told["literal"]) > MAX_LITERAL:
        return {"refused": "kept: no literal (too long)"}
    return {"literal": str(told["literal"])}


def _refusals(examples: Sequence[ProgSynExample], pool: SandboxPool) -> dict[tuple[str, int], str]:
    """Say why a changed test cannot stay: it fails, or it still needs the update by itself."""
    reasons: dict[tuple[str, int], str] = {}
    runs = [
        program(example.prog_syn_id, example, example.ref_solution, with_update=True)
        for example in examples
    ]
    for verdict in pool.run(runs):
        for i, status in enumerate(verdict.statuses):
            if status != "passed":
                reasons[verdict.key, i] = "kept: the converted test fails"
    for name, flags in self_dependence(examples, pool):
        for i, flag in enumerate(flags):
            if flag is not False:
                reasons.setdefault((name, i), "kept: still needs the update by itself")
    return reasons
