"""Formulas in logic signs, as FOLIO writes them, and the other signs that models use for these."""

import re
from collections.abc import Callable

import z3

from .vocabulary import CONNECTIVES, DEEPEST, Bound, FormulaError, Vocabulary, connected, quantifier

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
_TOKEN = re.compile(r"\s*([∀∃¬∧∨⊕→↔=≠(),.:]|'[^']+'|\"[^\"]+\"|[^\W\d][\w\-]*|\d+[\w\-]*)")
_NAME = re.compile(r"\w[\w\-]*")
_QUANTIFIERS = ((r"\bfor\s?all\b(?=\s*\w)", "∀"), (r"\b(?:there\s)?exists\b(?=\s*\w)", "∃"))


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
    for written, sign in _QUANTIFIERS:
        text = re.sub(written, sign, text, flags=re.IGNORECASE)
    text = text.strip()
    while at < len(text):
        hit = _TOKEN.match(text, at)
        if hit is None:
            raise FormulaError(f"{text[at:].lstrip()[0]!r} is no sign of a formula")
        quoted = hit.group(1)[0] in "'\""
        tokens.append(re.sub(r"\W+", "_", hit.group(1)[1:-1]) if quoted else hit.group(1))
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

    def variables(self) -> list[str]:
        """Names after a quantifier, up to the formula that it is about."""
        names = [self.name()]
        while self.here == "," or _NAME.fullmatch(self.here):
            if self.here == ",":
                self.take()
            elif self.tokens[self.at + 1 : self.at + 2] == ["("]:
                break
            names.append(self.name())
        return names

    def behind_the_next(self) -> list[str]:
        """Tokens from the end of the next bracket to that of the one that holds this place."""
        depth, seen = 0, None
        for number, token in enumerate(self.tokens[self.at :], self.at):
            depth += {"(": 1, ")": -1}.get(token, 0)
            if depth < 0:
                return self.tokens[number if seen is None else seen : number]
            if seen is None and token == ")" and depth == 0:
                seen = number + 1
        return self.tokens[len(self.tokens) if seen is None else seen :]

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
            names = self.variables()
            variables = self.words.bind(names)
            # ∃x Cat(x) ∧ Purrs(x) is meant for both; a dot reaches as far as it can.
            wide = bool(set(names) & set(self.behind_the_next()))
            if self.here in (".", ":"):
                self.take()
                wide = True
            inner = bound | variables
            body = self.level(0, inner, depth + 1) if wide else self.unary(inner, depth + 1)
            return quantifier(exists, list(variables.values()), body)
        if self.here == "(":
            self.take()
            inner = self.level(0, bound, depth + 1)
            self.take(")")
            return inner
        return self.atom(bound, depth)

    def atom(self, bound: Bound, depth: int) -> z3.BoolRef:
        name = self.name()
        if self.here == "(" and name in CONNECTIVES:
            return self.connective(name, bound, depth)
        if self.here == "(":
            arguments = self.arguments(bound)
            if self.here in ("=", "≠"):
                return self.equation(self.words.function(name, arguments), bound)
            return self.words.predicate(name, arguments)
        if self.words.propositional:
            return self.proposition(name)
        thing = bound[name] if name in bound else self.words.thing(name)
        if self.here in ("=", "≠"):
            return self.equation(thing, bound)
        raise FormulaError(f"{name} is a thing where a statement is wanted")

    def proposition(self, name: str) -> z3.BoolRef:
        """A name that stands alone; what it is equal to is one too."""
        left = _truth(name, self.words)
        if self.here not in ("=", "≠"):
            return left
        same = self.take() == "="
        right = _truth(self.name(), self.words)
        return left == right if same else left != right

    def connective(self, name: str, bound: Bound, depth: int) -> z3.BoolRef:
        """`Implies(a, b)` among the signs."""
        self.take("(")
        parts = [self.level(0, bound, depth + 1)]
        while self.here == ",":
            self.take()
            parts.append(self.level(0, bound, depth + 1))
        self.take(")")
        return connected(name, parts)

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


def _truth(name: str, words: Vocabulary) -> z3.BoolRef:
    return words.truth(name == "True") if name in ("True", "False") else words.proposition(name)
