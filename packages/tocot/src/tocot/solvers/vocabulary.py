"""The symbols of one problem as Z3 terms, and how terms are joined."""

import re
from collections.abc import Callable, Collection, Sequence

import z3

# Variables that a quantifier binds, by name.
Bound = dict[str, z3.ExprRef]
DEEPEST = 100  # nested brackets
# What everybody calls a variable; other letters may be names of things.
_VARIABLE = re.compile(r"[x-z]\d?")


class FormulaError(Exception):
    """A text that is no formula; the message says what is wrong with it."""


class Vocabulary:
    """Symbols of one problem, by name and number of arguments.

    Parameters
    ----------
    propositional : bare names are propositions; otherwise they are things, in a sort without
        further structure.
    domain : names of all things there are (closed domain); None leaves the domain open.
    variables : names that a quantifier binds somewhere in the problem; x, y and z are some too.
    """

    def __init__(
        self,
        *,
        propositional: bool,
        domain: Sequence[str] | None = None,
        variables: Collection[str] = (),
    ) -> None:
        self.propositional = propositional
        self.context = z3.Context()
        self.things: dict[str, z3.ExprRef] = {}
        self.variables = frozenset(variables)
        self.bound: set[str] = set()
        self.free: dict[str, z3.ExprRef] = {}
        self.predicates: dict[tuple[str, int], z3.FuncDeclRef] = {}
        self.functions: dict[tuple[str, int], z3.FuncDeclRef] = {}
        if domain is not None:
            names = list(dict.fromkeys(domain)) or ["something"]
            self.sort, members = z3.EnumSort("Thing", names, ctx=self.context)
            self.things = dict(zip(names, members, strict=True))
        else:
            self.sort = z3.DeclareSort("Thing", ctx=self.context)

    def thing(self, name: str) -> z3.ExprRef:
        """A constant, new names being new things in an open domain; or a free variable."""
        if name in self.variables or _VARIABLE.fullmatch(name):
            return self.free.setdefault(name, z3.Const(name, self.sort))
        name = re.sub(r"\W+", "_", name.strip())  # 'Tom Jones' is Tom_Jones
        if name not in self.things:
            self.things[name] = z3.Const(name, self.sort)
        return self.things[name]

    def closed(self, term: z3.BoolRef) -> z3.BoolRef:
        """A formula that holds for whatever its free variables are, as logicians read it."""
        free = list(self.free.values())
        self.free.clear()
        return z3.ForAll(free, term) if free else term

    def bind(self, names: Sequence[str]) -> "Bound":
        """Variables of a quantifier."""
        self.bound.update(names)
        return {name: z3.Const(name, self.sort) for name in names}

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


def quantifier(exists: bool, variables: list[z3.ExprRef], body: z3.BoolRef) -> z3.BoolRef:
    """A quantified term."""
    return z3.Exists(variables, body) if exists else z3.ForAll(variables, body)


def _all_different(parts: list[z3.BoolRef]) -> z3.BoolRef:
    term = parts[0]
    for part in parts[1:]:
        term = z3.Xor(term, part)
    return term


Make = Callable[[list[z3.BoolRef]], z3.BoolRef]
CONNECTIVES: dict[str, tuple[int, int | None, Make]] = {
    "And": (1, None, lambda parts: z3.And(*parts)),
    "Or": (1, None, lambda parts: z3.Or(*parts)),
    "Not": (1, 1, lambda parts: z3.Not(parts[0])),
    "Implies": (2, 2, lambda parts: z3.Implies(*parts)),
    "Xor": (2, None, _all_different),
    "Iff": (2, 2, lambda parts: parts[0] == parts[1]),
}


def connected(name: str, parts: list[z3.BoolRef]) -> z3.BoolRef:
    """Terms joined by a connective.

    Raises
    ------
    FormulaError : too few or too many of them.
    """
    least, most, make = CONNECTIVES[name]
    if len(parts) < least or (most is not None and len(parts) > most):
        raise FormulaError(f"{name} with {len(parts)} arguments")
    return make(parts)
