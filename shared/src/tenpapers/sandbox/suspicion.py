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
_EQUALITY = {"__eq__", "__ne__", "__bool__", "__class__", "__instancecheck__"}
_VALUES = {"bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "str"}


def suspicions(source: str) -> tuple[str, ...]:
    """Find what an honest solution has no use for.

    Returns
    -------
    Names by which it could reach the harness or end the process, and classes whose objects could
    claim to be equal to anything (those of the values that tests expect, too: a reference returns
    the values themselves), also where a call of `type` makes them; in alphabetical order.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.update({node.attr} & _NAMED)
        elif isinstance(node, ast.Name):
            found.update({node.id} & _NAMED)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = (getattr(node, "module", None) or "").partition(".")[0]
            names = {alias.name.partition(".")[0] for alias in node.names}
            found.update((names | {module}) & (_NAMED | {"gc"}))
        elif isinstance(node, ast.Call) and len(node.args) == 3:
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            found.update({"class by type()"} if called == "type" else ())
        elif isinstance(node, ast.ClassDef):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)} & _VALUES
            own = {n.name for n in node.body if isinstance(n, ast.FunctionDef)} & _EQUALITY
            found.update(f"class {node.name}({base})" for base in bases)
            found.update(f"{node.name}.{name}" for name in own)
    return tuple(sorted(found))
