"""Formulas as Z3 terms: from Python's syntax, from logic signs, from ContextHub's sentences.

Text is parsed into a tree and the tree is walked; nothing of it is ever executed.
"""

import ast
import re
from collections.abc import Callable, Sequence

import z3

DEEPEST = 100  # nested brackets


class FormulaError(Exception):
    """A text that is no formula; the message says what is wrong with it."""


class Vocabulary:
    """Symbols of one problem, by name and number of arguments.

    Parameters
    ----------
    propositional : bare names are propositions; otherwise they are things, in a sort without
        further structure.
    domain : names of all things there are (closed domain); None leaves the domain open.
    """

    def __init__(self, *, propositional: bool, domain: Sequence[str] | None = None) -> None:
        self.propositional = propositional
        self.context = z3.Context()
        self.things: dict[str, z3.ExprRef] = {}
        self.predicates: dict[tuple[str, int], z3.FuncDeclRef] = {}
        self.functions: dict[tuple[str, int], z3.FuncDeclRef] = {}
        if domain is not None:
            names = list(dict.fromkeys(domain)) or ["something"]
            self.sort, members = z3.EnumSort("Thing", names, ctx=self.context)
            self.things = dict(zip(names, members, strict=True))
        else:
            self.sort = z3.DeclareSort("Thing", ctx=self.context)

    def thing(self, name: str) -> z3.ExprRef:
        """A constant; new names are new things in an open domain."""
        if name not in self.things:
            self.things[name] = z3.Const(name, self.sort)
        return self.things[name]

    def proposition(self, name: str) -> z3.BoolRef:
        """A proposition: a predicate without arguments."""
        return self.predicate(name, [])

    def predicate(self, name: str, arguments: Sequence[z3.ExprRef]) -> z3.BoolRef:
        """A predicate applied to things."""
        key = (name, len(arguments))
        if key not in self.predicates:
            sorts = [self.sort] * len(arguments)
            boolean = z3.BoolSort(ctx=self.context)
            self.predicates[key] = z3.Function(f"{name}/{len(arguments)}", *sorts, boolean)
        return self.predicates[key](*arguments)

    def function(self, name: str, arguments: Sequence[z3.ExprRef]) -> z3.ExprRef:
        """A function of things to a thing."""
        key = (name, len(arguments))
        if key not in self.functions:
            sorts = [self.sort] * (len(arguments) + 1)
            self.functions[key] = z3.Function(f"{name}:{len(arguments)}", *sorts)
        return self.functions[key](*arguments)

    def truth(self, value: bool) -> z3.BoolRef:
        """True or False as a term."""
        return z3.BoolVal(value, ctx=self.context)


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
            raise FormulaError(f"{strange.group()!r} is no sign of a formula") from None
        raise FormulaError(f"not a formula: {str(error).splitlines()[0]}") from None
    return _Python(words).truth(tree.body, {}, 0)


_SINGLE_EQUAL = re.compile(r"(?<![=<>!])=(?!=)")
_STRANGE = re.compile(r"[^\w\s()\[\],.=!&|~^'\"]")
# Variables that a quantifier binds, by name.
Bound = dict[str, z3.ExprRef]


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
        raise FormulaError(f"{type(node).__name__} is no formula")

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
        raise FormulaError(f"{type(node.ops[0]).__name__} is no formula")

    def call(self, name: str, arguments: list[ast.expr], bound: Bound, depth: int) -> z3.BoolRef:
        if name in ("ForAll", "Forall", "Exists"):
            return self.quantified(name, arguments, bound, depth)
        if name in _CONNECTIVES:
            least, most, make = _CONNECTIVES[name]
            if len(arguments) < least or (most is not None and len(arguments) > most):
                raise FormulaError(f"{name} with {len(arguments)} arguments")
            return make([self.truth(part, bound, depth) for part in arguments])
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
        variables = {
            variable.id: z3.Const(variable.id, self.words.sort)
            for variable in names
            if isinstance(variable, ast.Name)
        }
        body = self.truth(arguments[1], bound | variables, depth)
        return quantifier(name == "Exists", list(variables.values()), body)

    def thing(self, node: ast.expr, bound: Bound) -> z3.ExprRef:
        if isinstance(node, ast.Name):
            return bound[node.id] if node.id in bound else self.words.thing(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            return self.words.thing(str(node.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.words.function(node.func.id, [self.thing(a, bound) for a in node.args])
        raise FormulaError(f"{type(node).__name__} is no thing")


def quantifier(exists: bool, variables: list[z3.ExprRef], body: z3.BoolRef) -> z3.BoolRef:
    """A quantified term."""
    return z3.Exists(variables, body) if exists else z3.ForAll(variables, body)


def _all_different(parts: list[z3.BoolRef]) -> z3.BoolRef:
    term = parts[0]
    for part in parts[1:]:
        term = z3.Xor(term, part)
    return term


Make = Callable[[list[z3.BoolRef]], z3.BoolRef]
_CONNECTIVES: dict[str, tuple[int, int | None, Make]] = {
    "And": (1, None, lambda parts: z3.And(*parts)),
    "Or": (1, None, lambda parts: z3.Or(*parts)),
    "Not": (1, 1, lambda parts: z3.Not(parts[0])),
    "Implies": (2, 2, lambda parts: z3.Implies(*parts)),
    "Xor": (2, None, _all_different),
    "Iff": (2, 2, lambda parts: parts[0] == parts[1]),
}

_BITS: dict[type[ast.operator], Callable[[z3.BoolRef, z3.BoolRef], z3.BoolRef]] = {
    ast.BitAnd: z3.And,
    ast.BitOr: z3.Or,
    ast.BitXor: z3.Xor,
}

# Other signs for the same, longer ones first.
_SAME_SIGNS = {
    "<->": "↔",
    "<=>": "↔",
    "⇔": "↔",
    "⟺": "↔",
    "≡": "↔",
    "->": "→",
    "=>": "→",
    "⇒": "→",
    "⟹": "→",
    "⊃": "→",
    "!=": "≠",
    "==": "=",
    "&&": "∧",
    "&": "∧",
    "||": "∨",
    "|": "∨",
    "^": "⊕",
    "~": "¬",
    "!": "¬",
    "−": "-",
}
_TOKEN = re.compile(r"\s*([∀∃¬∧∨⊕→↔=≠(),]|[^\W\d][\w\-]*|\d+[\w\-]*)")


def from_signs(text: str, words: Vocabulary) -> z3.BoolRef:
    """A first-order formula in logic signs, as FOLIO writes it; brackets must fit.

    ¬ and quantifiers bind to the next formula, then ∧, then ∨ and ⊕, then →, then ↔.

    Raises
    ------
    FormulaError : anything else.
    """
    tokens: list[str] = []
    at = 0
    for other, sign in _SAME_SIGNS.items():
        text = text.replace(other, sign)
    text = text.strip()
    while at < len(text):
        hit = _TOKEN.match(text, at)
        if hit is None:
            raise FormulaError(f"{text[at:].lstrip()[0]!r} is no sign of a formula")
        tokens.append(hit.group(1))
        at = hit.end()
    reader = _Signs(tokens, words)
    term = reader.level(0, {}, 0)
    if reader.at != len(tokens):
        raise FormulaError(f"{tokens[reader.at]!r} stands where the formula has ended")
    return term


_LEVELS: tuple[dict[str, Callable[[z3.BoolRef, z3.BoolRef], z3.BoolRef]], ...] = (
    {"↔": lambda a, b: a == b},
    {"→": z3.Implies},
    {"∨": z3.Or, "⊕": z3.Xor},
    {"∧": z3.And},
)


class _Signs:
    def __init__(self, tokens: list[str], words: Vocabulary) -> None:
        self.tokens, self.words, self.at = tokens, words, 0

    @property
    def here(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.here
        if not token or (wanted and token != wanted):
            raise FormulaError(f"{wanted or 'more'!r} is wanted, {token or 'the end'!r} is there")
        self.at += 1
        return token

    def level(self, number: int, bound: Bound, depth: int) -> z3.BoolRef:
        if depth > DEEPEST:
            raise FormulaError("nested too deeply")
        if number == len(_LEVELS):
            return self.unary(bound, depth)
        left = self.level(number + 1, bound, depth)
        while self.here in _LEVELS[number]:
            sign = self.take()
            # An implication goes to the right: a → b → c is a → (b → c).
            right = self.level(number if sign == "→" else number + 1, bound, depth)
            left = _LEVELS[number][sign](left, right)
        return left

    def unary(self, bound: Bound, depth: int) -> z3.BoolRef:
        if self.here == "¬":
            self.take()
            return z3.Not(self.unary(bound, depth + 1))
        if self.here in ("∀", "∃"):
            exists = self.take() == "∃"
            names = [self.name()]
            while self.here == ",":
                self.take()
                names.append(self.name())
            variables = {name: z3.Const(name, self.words.sort) for name in names}
            body = self.unary(bound | variables, depth + 1)
            return quantifier(exists, list(variables.values()), body)
        if self.here == "(":
            self.take()
            inner = self.level(0, bound, depth + 1)
            self.take(")")
            return inner
        return self.atom(bound)

    def atom(self, bound: Bound) -> z3.BoolRef:
        name = self.name()
        if self.here == "(":
            arguments = self.arguments(bound)
            if self.here in ("=", "≠"):
                return self.equation(self.words.function(name, arguments), bound)
            return self.words.predicate(name, arguments)
        thing = bound[name] if name in bound else self.words.thing(name)
        if self.here in ("=", "≠"):
            return self.equation(thing, bound)
        raise FormulaError(f"{name} is a thing where a statement is wanted")

    def equation(self, left: z3.ExprRef, bound: Bound) -> z3.BoolRef:
        same = self.take() == "="
        right = self.thing(bound)
        return left == right if same else left != right

    def arguments(self, bound: Bound) -> list[z3.ExprRef]:
        self.take("(")
        found = [self.thing(bound)]
        while self.here == ",":
            self.take()
            found.append(self.thing(bound))
        self.take(")")
        return found

    def thing(self, bound: Bound) -> z3.ExprRef:
        name = self.name()
        if self.here == "(":
            return self.words.function(name, self.arguments(bound))
        return bound[name] if name in bound else self.words.thing(name)

    def name(self) -> str:
        token = self.take()
        if not re.match(r"\w", token):
            raise FormulaError(f"a name is wanted, {token!r} is there")
        return token


def reader_of(texts: Sequence[str]) -> Callable[[str, Vocabulary], z3.BoolRef]:
    """How the formulas of a problem are read: in logic signs if any of them has one."""
    signs = any(re.search(r"[∀∃¬∧∨⊕→↔⇒⇔⟹⟺⊃≡]|[-=]>", text) for text in texts)
    return from_signs if signs else from_python


def names_of_things(texts: Sequence[str]) -> list[str]:
    """Constants of formulas, for a closed domain: what stands as an argument and is not bound.

    Raises
    ------
    FormulaError : a text that is no formula.
    """
    words = Vocabulary(propositional=False)
    read = reader_of(texts)
    for text in texts:
        read(text, words)
    return list(words.things)
