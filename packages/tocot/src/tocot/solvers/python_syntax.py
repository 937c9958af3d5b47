"""Formulas in Python's syntax: parsed into a tree, which is walked and never executed."""

import ast
import re
from collections.abc import Callable

import z3
from tenpapers.errors import first_line

from .vocabulary import CONNECTIVES, DEEPEST, Bound, FormulaError, Vocabulary, connected, quantifier

_SINGLE_EQUAL = re.compile(r"(?<![=<>!])=(?!=)")
_STRANGE = re.compile(r"[^\w\s()\[\],.=!&|~^'\"]")
_BITS: dict[type[ast.operator], Callable[[z3.BoolRef, z3.BoolRef], z3.BoolRef]] = {
    ast.BitAnd: z3.And,
    ast.BitOr: z3.Or,
    ast.BitXor: z3.Xor,
}


class NotPythonError(FormulaError):
    """A text that Python's parser does not take."""


def from_python(text: str, words: Vocabulary) -> z3.BoolRef:
    """A formula in Python's syntax: And, Or, Not, Implies, Xor, Iff, ForAll, Exists, ==.

    Raises
    ------
    FormulaError : anything else.
    """
    try:
        tree = ast.parse(_SINGLE_EQUAL.sub("==", text.strip()), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if strange := _STRANGE.search(text):
            raise NotPythonError(f"{strange.group()!r} is no sign of a formula") from None
        raise NotPythonError(f"not a formula: {first_line(error)}") from None
    return _Python(words).truth(tree.body, {}, 0)


class _Python:
    def __init__(self, words: Vocabulary) -> None:
        self.words = words

    def truth(self, node: ast.expr, bound: Bound, depth: int) -> z3.BoolRef:
        if depth > DEEPEST:
            raise FormulaError("nested too deeply")
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return self.words.truth(node.value)
        if isinstance(node, ast.Name):
            if not self.words.propositional:
                raise FormulaError(f"{node.id} is a thing where a statement is wanted")
            return self.words.proposition(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
            return z3.Not(self.truth(node.operand, bound, depth + 1))
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(value, bound, depth + 1) for value in node.values]
            return z3.And(*parts) if isinstance(node.op, ast.And) else z3.Or(*parts)
        if isinstance(node, ast.BinOp) and type(node.op) in _BITS:
            left = self.truth(node.left, bound, depth + 1)
            return _BITS[type(node.op)](left, self.truth(node.right, bound, depth + 1))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self.comparison(node, bound, depth + 1)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self.call(node.func.id, node.args, bound, depth + 1)
        raise FormulaError(_no_sign(getattr(node, "op", None), node))

    def comparison(self, node: ast.Compare, bound: Bound, depth: int) -> z3.BoolRef:
        left, right = node.left, node.comparators[0]
        try:
            a, b = self.truth(left, bound, depth), self.truth(right, bound, depth)
        except FormulaError:
            a, b = self.thing(left, bound), self.thing(right, bound)
        if isinstance(node.ops[0], ast.Eq):
            return a == b
        if isinstance(node.ops[0], ast.NotEq):
            return a != b
        raise FormulaError(_no_sign(node.ops[0], node))

    def call(self, name: str, arguments: list[ast.expr], bound: Bound, depth: int) -> z3.BoolRef:
        if name in ("ForAll", "Forall", "Exists"):
            return self.quantified(name, arguments, bound, depth)
        if name in CONNECTIVES:
            return connected(name, [self.truth(part, bound, depth) for part in arguments])
        return self.words.predicate(name, [self.thing(part, bound) for part in arguments])

    def quantified(
        self, name: str, arguments: list[ast.expr], bound: Bound, depth: int
    ) -> z3.BoolRef:
        if len(arguments) != 2:
            raise FormulaError(f"{name} with {len(arguments)} arguments")
        names = (
            arguments[0].elts if isinstance(arguments[0], ast.List | ast.Tuple) else [arguments[0]]
        )
        if not names or not all(isinstance(variable, ast.Name) for variable in names):
            raise FormulaError(f"{name} needs variables")
        variables = self.words.bind([one.id for one in names if isinstance(one, ast.Name)])
        body = self.truth(arguments[1], bound | variables, depth)
        return quantifier(name == "Exists", list(variables.values()), body)

    def thing(self, node: ast.expr, bound: Bound) -> z3.ExprRef:
        if isinstance(node, ast.Name):
            return bound[node.id] if node.id in bound else self.words.thing(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            return self.words.thing(str(node.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.words.function(node.func.id, [self.thing(a, bound) for a in node.args])
        if isinstance(node, ast.BinOp):
            raise FormulaError(_no_sign(node.op, node))
        raise FormulaError(f"{ast.unparse(node)[:60]!r} is no thing")


_PYTHON_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Mod: "%",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: ">=",
    ast.LtE: "<=",
    ast.In: "in",
    ast.Is: "is",
}


def _no_sign(sign: ast.AST | None, node: ast.expr) -> str:
    """Why a text is no formula: by the sign that is none of logic, or by its words."""
    if sign is not None and type(sign) in _PYTHON_SIGNS:
        return f"{_PYTHON_SIGNS[type(sign)]!r} is no sign of a formula"
    return f"{ast.unparse(node)[:60]!r} is no formula"
