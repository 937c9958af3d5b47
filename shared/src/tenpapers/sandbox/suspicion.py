"""Texts that look as if they meant to deceive their tests: counted, never judged.

A solution's tests run in its own process, so a determined one can forge its verdict. What that
takes stands in its text.
"""

import ast

_NAMES = """
_getframe _current_frames f_back f_globals f_locals tb_frame gi_frame cr_frame __subclasses__
get_objects get_referrers settrace setprofile unraisablehook excepthook addaudithook
_exit ctypes __builtins__ builtins
"""
_NAMED = frozenset(_NAMES.split())
_IMPORTED = _NAMED | {"gc", "unittest"}  # `unittest.mock.ANY` is equal to anything
_EQUALITY = {"__eq__", "__ne__", "__bool__", "__class__", "__instancecheck__"}
_VALUES = {"bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "str"}


def suspicions(source: str) -> tuple[str, ...]:
    """Find what an honest solution has no use for.

    Returns
    -------
    Names by which it could reach the harness or end the process, and classes whose objects could
    claim to be equal to anything (those of the values that tests expect, too: a reference returns
    the values themselves), however they are made; in alphabetical order.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    values = _VALUES | {name for node in nodes for name in _other_names(node)}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            names = _NAMED if isinstance(node.ctx, ast.Load) else _EQUALITY
            found.update({node.attr} & names)
        elif isinstance(node, ast.Name):
            found.update({node.id} & _NAMED)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update({node.value} & _EQUALITY)  # for `setattr`
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = (getattr(node, "module", None) or "").partition(".")[0]
            names = {alias.name.partition(".")[0] for alias in node.names}
            found.update((names | {module}) & _IMPORTED)
        elif isinstance(node, ast.Call) and len(node.args) == 3:
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            found.update({"class by type()"} if called == "type" else ())
        elif isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            found.update(
                f"class {node.name}({base})" for base in bases if base in values or "(" in base
            )
            found.update(f"{node.name}.{name}" for name in _defined(node) & _EQUALITY)
    return tuple(sorted(found))


def _other_names(node: ast.AST) -> set[str]:
    """What an assignment calls one of the types of values: `F` of `F = float`."""
    if not (isinstance(node, ast.Assign) and ast.unparse(node.value) in _VALUES):
        return set()
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def _defined(node: ast.ClassDef) -> set[str]:
    """Names that the body of a class defines, by `def` or by assignment."""
    functions = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
    assigned = [n for n in node.body if isinstance(n, ast.Assign)]
    return functions | {t.id for n in assigned for t in n.targets if isinstance(t, ast.Name)}
