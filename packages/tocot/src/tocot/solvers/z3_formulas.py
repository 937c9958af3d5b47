"""Formulas as Z3 terms, in whichever of two notations they are written."""

import re
from collections.abc import Sequence

import z3

from .logic_signs import from_signs
from .python_syntax import NotPythonError, from_python
from .vocabulary import FormulaError, Vocabulary


def read_formula(text: str, words: Vocabulary) -> z3.BoolRef:
    """A formula in logic signs if it has one, else in Python's syntax.

    Raises
    ------
    FormulaError : no formula; the sign that is none, where there is one.
    """
    in_signs = re.search(
        r"[∀∃¬∧∨⊕→↔⇒⇔⟹⟺⊃≡]|[-=]>|&&|\|\||\b(?:forall|exists)\s+\w", text, re.IGNORECASE
    )
    if in_signs:
        return words.closed(from_signs(text, words))
    try:
        return words.closed(from_python(text, words))
    except NotPythonError as error:
        try:
            # Names such as 2008-games are none in Python.
            return words.closed(from_signs(text, words))
        except FormulaError:
            raise error from None


def names_in(texts: Sequence[str]) -> tuple[list[str], set[str]]:
    """Constants of formulas, for a closed domain, and the variables that their quantifiers bind.

    Raises
    ------
    FormulaError : a text that is no formula.
    """
    words = Vocabulary(propositional=False)
    for text in texts:
        read_formula(text, words)
    return [name for name in words.things if name not in words.bound], words.bound
