"""Literalising: a test states its expected value instead of computing it (section 3.8).

A test that calls the updated function itself to compute what it expects fails without the update
whatever the solution does. The value is recorded once, with the reference and the update, and
written into the test as a literal.
"""

import ast
import json
from collections import Counter
from collections.abc import Sequence

from tenpapers.sandbox import Program, SandboxPool

from ..records import ProgSynExample
from .programs import program, test_name
from .self_dependence import self_dependence

EXPECTED = ("expected_result", "expected_results")
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


def _function(test: str) -> ast.FunctionDef:
    node = ast.parse(test).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def _names(node: ast.AST, kind: type | tuple[type, ...] = ast.expr_context) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)}


def _answer_section(body: list[ast.stmt]) -> tuple[str, int, int] | None:
    """Find the expected value's name, its first mention and the first statement that checks it.

    None where there is none, or where one loop both computes and checks many of them.
    """
    for name in EXPECTED:
        places = [i for i, node in enumerate(body) if name in _names(node)]
        stores = [i for i in places if name in _names(body[i], ast.Store)]
        if not stores:
            continue
        checks = [i for i in places if any(isinstance(n, ast.Assert) for n in ast.walk(body[i]))]
        if not checks or checks[0] <= stores[-1]:
            continue
        return name, stores[0], checks[0]
    return None


def _seeds(test: str) -> list[ast.stmt]:
    """Write the seeds a test with random inputs needs; none if it has them already."""
    lines = []
    if "np.random" in test or "numpy.random" in test:
        lines.append("__import__('numpy').random.seed(0)")
    if "torch.rand" in test or "torch.normal" in test:
        lines.append("__import__('torch').manual_seed(0)")
    plain = {"random.random", "random.randint", "random.uniform", "random.choice", "random.sample"}
    if any(
        isinstance(n, ast.Call) and ast.unparse(n.func) in plain for n in ast.walk(ast.parse(test))
    ):
        lines.append("__import__('random').seed(0)")
    return [node for line in lines if line not in test for node in ast.parse(line).body]


def _seeded(test: str) -> ast.FunctionDef:
    node = _function(test)
    first = 0
    while first < len(node.body) and isinstance(node.body[first], ast.Global):
        first += 1
    node.body[first:first] = _seeds(test)
    return node


def _recording_test(test: str) -> str | None:
    """A test that reports its expected value just before it is checked."""
    node = _seeded(test)
    section = _answer_section(node.body)
    if section is None:
        return None
    name, _, check = section
    node.body.insert(check, ast.parse(f"_record({name})").body[0])
    return ast.unparse(ast.fix_missing_locations(node))


def _with_literal(test: str, literal: str) -> str:
    """Write the literal in the place of the computation, and drop what only served that."""
    node = _seeded(test)
    section = _answer_section(node.body)
    assert section is not None
    name, first, check = section
    kept = [s for s in node.body[first:check] if name not in _names(s)]
    assign = ast.parse(f"{name} = {literal}").body[0]
    node.body[first:check] = [*kept, assign]
    while (dead := _dead_statement(node.body)) is not None:
        del node.body[dead]
    return ast.unparse(ast.fix_missing_locations(node))


def _dead_statement(body: list[ast.stmt]) -> int | None:
    """Find a statement whose variables nothing later mentions; calls alone are never dead."""
    for i, node in enumerate(body):
        simple = isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.If | ast.FunctionDef)
        stored = _names(node, ast.Store)
        if isinstance(node, ast.FunctionDef):
            stored = {node.name}
        checks = any(isinstance(n, ast.Assert | ast.Raise) for n in ast.walk(node))
        if checks or not simple or not stored or stored & {"result", "results"}:
            continue
        later = set().union(*(_names(other) for other in body[i + 1 :]), set())
        touched = stored if isinstance(node, ast.Assign | ast.AnnAssign) else _names(node)
        local = set().union(*(_names(other, ast.Store) for other in body))
        if _mutates(node):
            touched = touched | _names(node)
        if not (stored & later) and not (touched & local & later):
            return i
    return None


def _mutates(node: ast.AST) -> bool:
    """Whether a statement may change an object in place (a method call or a subscript store)."""
    return any(
        (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
        or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Call))
        for n in ast.walk(node)
    )


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
    found = _record_values(examples, pool)
    counts: Counter[str] = Counter()
    tried: list[ProgSynExample] = []
    for example in examples:
        tests = []
        for i, test in enumerate(example.unit_tests):
            told = found.get((example.prog_syn_id, i))
            if told is None or "literal" not in told:
                counts[(told or {}).get("refused", "kept: no expected value")] += 1
                tests.append(test)
            elif (changed := _with_literal(test, told["literal"])) == ast.unparse(_seeded(test)):
                counts["literal already"] += 1
                tests.append(test)
            else:
                tests.append(changed)
        tried.append(example.model_copy(update={"unit_tests": tests}))
    good = _hold(tried, pool)
    made = []
    for before, after in zip(examples, tried, strict=True):
        tests = []
        for i, (old, new) in enumerate(zip(before.unit_tests, after.unit_tests, strict=True)):
            reason = good.get((before.prog_syn_id, i), "") if old != new else ""
            if old != new:
                counts[reason or "converted"] += 1
            tests.append(old if reason else new)
        made.append(before.model_copy(update={"unit_tests": tests}))
    return made, counts


def _record_values(
    examples: Sequence[ProgSynExample], pool: SandboxPool
) -> dict[tuple[str, int], dict[str, str]]:
    programs: list[Program] = []
    for example in examples:
        for i, test in enumerate(example.unit_tests):
            recording = _recording_test(test)
            if recording is None:
                continue
            call = f"{recording}\n{test_name(test, example.prog_syn_id)}()\n"
            one = program(
                f"{i}|{example.prog_syn_id}",
                example,
                example.ref_solution,
                with_update=True,
                probe=[("probe", _RECORD)],
                tests=[call],
                capture=True,
            )
            programs.append(one)
    found: dict[tuple[str, int], dict[str, str]] = {}
    for verdict in pool.run(programs):
        place, _, name = verdict.key.partition("|")
        if verdict.statuses != ("passed",):
            told = {"refused": "kept: the reference fails it"}
        else:
            told = _told(verdict.output)
        found[name, int(place)] = told
    return found


def _told(output: str) -> dict[str, str]:
    try:
        told = json.loads(output.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return {"refused": "kept: no literal (too long)"}
    if "literal" not in told:
        return {"refused": "kept: no literal (does not round-trip)"}
    if len(told["literal"]) > MAX_LITERAL:
        return {"refused": "kept: no literal (too long)"}
    return {"literal": str(told["literal"])}


def _hold(examples: Sequence[ProgSynExample], pool: SandboxPool) -> dict[tuple[str, int], str]:
    """Say why a changed test cannot stay: it fails, or it still needs the update by itself."""
    reasons: dict[tuple[str, int], str] = {}
    runs = [program(e.prog_syn_id, e, e.ref_solution, with_update=True) for e in examples]
    for verdict in pool.run(runs):
        for i, status in enumerate(verdict.statuses):
            if status != "passed":
                reasons[verdict.key, i] = "kept: the converted test fails"
    for name, flags in self_dependence(examples, pool):
        for i, flag in enumerate(flags):
            if flag is not False:
                reasons.setdefault((name, i), "kept: still needs the update by itself")
    return reasons
