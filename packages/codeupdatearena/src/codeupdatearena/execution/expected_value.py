"""Where a test computes what it expects, and the same test with that value as a literal."""

import ast

EXPECTED = ("expected_result", "expected_results")


def _function(test: str) -> ast.FunctionDef:
    node = ast.parse(test).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def _names(node: ast.AST, kind: type | tuple[type, ...] = ast.expr_context) -> set[str]:
    names = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, kind)}


def _has(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    """Whether a node of one of the kinds is in it."""
    return any(isinstance(inner, kinds) for inner in ast.walk(node))


def _answer_section(body: list[ast.stmt]) -> tuple[str, int, int] | None:
    """Find the expected value's name, its first mention and the first statement that checks it.

    None where there is none, or where one loop both computes and checks many of them.
    """
    for name in EXPECTED:
        mentions = [i for i, node in enumerate(body) if name in _names(node)]
        stores = [i for i in mentions if name in _names(body[i], ast.Store)]
        if not stores:
            continue
        checks = [i for i in mentions if _has(body[i], ast.Assert)]
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
    calls = (node for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call))
    if any(ast.unparse(call.func) in plain for call in calls):
        lines.append("__import__('random').seed(0)")
    return [node for line in lines if line not in test for node in ast.parse(line).body]


def _seeded(test: str) -> ast.FunctionDef:
    node = _function(test)
    first = 0
    while first < len(node.body) and isinstance(node.body[first], ast.Global):
        first += 1
    node.body[first:first] = _seeds(test)
    return node


def recording_test(test: str) -> str | None:
    """A test that reports its expected value just before it is checked."""
    node = _seeded(test)
    section = _answer_section(node.body)
    if section is None:
        return None
    name, _, check = section
    node.body.insert(check, ast.parse(f"_record({name})").body[0])
    return ast.unparse(ast.fix_missing_locations(node))


def with_literal(test: str, literal: str) -> str | None:
    """Write the literal in the place of the computation, and drop what only served that.

    None where that changes nothing: the test states its expected value already.
    """
    node = _seeded(test)
    before = ast.unparse(node)
    section = _answer_section(node.body)
    assert section is not None
    name, first, check = section
    kept = [statement for statement in node.body[first:check] if name not in _names(statement)]
    assign = ast.parse(f"{name} = {literal}").body[0]
    node.body[first:check] = [*kept, assign]
    while (dead := _dead_statement(node.body)) is not None:
        del node.body[dead]
    after = ast.unparse(ast.fix_missing_locations(node))
    return None if after == before else after


def _dead_statement(body: list[ast.stmt]) -> int | None:
    """Find a statement whose variables nothing later mentions; calls alone are never dead."""
    for i, node in enumerate(body):
        simple = isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.If | ast.FunctionDef)
        stored = _names(node, ast.Store)
        if isinstance(node, ast.FunctionDef):
            stored = {node.name}
        checks = _has(node, ast.Assert, ast.Raise)
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
