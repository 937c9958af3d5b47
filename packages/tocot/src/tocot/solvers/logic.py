"""Logic plans: does the conclusion follow, is it refuted, or neither? (SatLM's check with Z3.)"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import z3

from .plan_repair import logic_lines, recover_plan
from .python import SolverResult
from .python_syntax import from_python
from .settings import Domain
from .vocabulary import FormulaError, Vocabulary
from .z3_formulas import names_in, read_formula

TIMEOUT_MS = 1000  # of each of the two checks
_FACT = re.compile(r"(\w+) is (True|False)")
_GIVEN = re.compile(r"Given (\w+) is (True|False), what is the value of (\w+)\?*", re.IGNORECASE)
_DEDUCE = re.compile(r"Deduce the result of (\w+)", re.IGNORECASE)
_RULE = re.compile(r"\((.*)\)\s*->\s*(\w+)")


def decide(
    premises: Sequence[z3.BoolRef], conclusion: z3.BoolRef, words: Vocabulary, unknown: str
) -> SolverResult:
    """Check premises with the conclusion and with its negation.

    Parameters
    ----------
    unknown : what neither is called: "N/A" or "Unknown".

    Returns
    -------
    value "True", "False" or `unknown`; status "error" for premises that contradict each other,
    "timeout" where Z3 gave up.
    """
    found = []
    for goal in (conclusion, z3.Not(conclusion)):
        solver = z3.Solver(ctx=words.context)
        solver.set("timeout", TIMEOUT_MS)
        solver.add(*premises, goal)
        found.append(solver.check())
    if z3.unknown in found:
        return SolverResult("timeout", None, "Z3 gave no answer in time")
    possible, refutable = (answer == z3.sat for answer in found)
    if possible and refutable:
        return SolverResult("ok", unknown)
    if not possible and not refutable:
        return SolverResult("error", None, "contradiction: the premises cannot all be true")
    return SolverResult("ok", "True" if possible else "False")


def solve_bool(plan: str) -> SolverResult:
    """A propositional problem: ContextHub's `abstract`, or a plan of formulas.

    Returns
    -------
    value "True", "False" or "N/A".
    """
    words = Vocabulary(propositional=True)
    try:
        if "def solution" in plan:
            premises, conclusion = _plan_terms(plan, words)
        else:
            premises, conclusion = contexthub_terms(plan, words)
        return decide(premises, conclusion, words, "N/A")
    except (FormulaError, z3.Z3Exception) as error:
        return SolverResult("error", None, _first_line(error))
    except RecursionError:
        return SolverResult("error", None, "nested too deeply")


def contexthub_terms(text: str, words: Vocabulary) -> tuple[list[z3.BoolRef], z3.BoolRef]:
    """Premises and conclusion of ContextHub's sentences, one a line.

    Raises
    ------
    FormulaError : a line of another form; no question.
    """
    premises: list[z3.BoolRef] = []
    conclusion = None
    for line in text.splitlines():
        line = line.strip().rstrip(".").strip()
        if not line:
            continue
        if hit := _GIVEN.fullmatch(line.rstrip(".? ") + "?"):
            premises.append(_valued(hit.group(1), hit.group(2), words))
            conclusion = words.proposition(hit.group(3))
        elif hit := _DEDUCE.fullmatch(line):
            conclusion = words.proposition(hit.group(1))
        elif hit := _FACT.fullmatch(line):
            premises.append(_valued(hit.group(1), hit.group(2), words))
        elif hit := _RULE.fullmatch(line):
            condition = re.sub(r"\b(NOT|AND|OR)\b", lambda m: m.group().lower(), hit.group(1))
            premises.append(
                z3.Implies(from_python(condition, words), words.proposition(hit.group(2)))
            )
        else:
            raise FormulaError(f"{line[:60]!r} is neither a fact, a rule nor a question")
    if conclusion is None:
        raise FormulaError("no question in it")
    return premises, conclusion


def _valued(name: str, value: str, words: Vocabulary) -> z3.BoolRef:
    term = words.proposition(name)
    return term if value == "True" else z3.Not(term)


def solve_fol(plan: str | Mapping[str, Any], domain: Domain = "open") -> SolverResult:
    """A first-order problem: `{"premises": [...], "conclusion": ...}`, or a plan of formulas.

    Formulas are in logic signs or in Python's syntax.

    Parameters
    ----------
    domain : "open" (the paper's main setting) knows no more things than are asserted; "closed"
        has the named constants alone, which turns some Unknown into True or False.

    Returns
    -------
    value "True", "False" or "Unknown".
    """
    try:
        if isinstance(plan, str):
            texts, last, _ = logic_lines(recover_plan(plan))
        else:
            texts, last = _given(plan)
        if not last:
            raise FormulaError("no conclusion")
        things, bound = names_in([*texts, last])
        words = Vocabulary(
            propositional=False, domain=things if domain == "closed" else None, variables=bound
        )
        premises = [read_formula(text, words) for text in texts]
        return decide(premises, read_formula(last, words), words, "Unknown")
    except (FormulaError, z3.Z3Exception) as error:
        return SolverResult("error", None, _first_line(error))
    except RecursionError:
        return SolverResult("error", None, "nested too deeply")


def _given(plan: Mapping[str, Any]) -> tuple[list[str], str]:
    premises, conclusion = plan.get("premises"), plan.get("conclusion")
    if isinstance(premises, str):
        premises = premises.splitlines()
    if not isinstance(premises, list) or not isinstance(conclusion, str):
        raise FormulaError("a first-order plan has `premises` (a list) and `conclusion` (a text)")
    return [str(premise) for premise in premises if str(premise).strip()], conclusion


def _plan_terms(plan: str, words: Vocabulary) -> tuple[list[z3.BoolRef], z3.BoolRef]:
    texts, last, _ = logic_lines(recover_plan(plan))
    if not last:
        raise FormulaError("no conclusion")
    return [read_formula(text, words) for text in texts], read_formula(last, words)


def _first_line(error: Exception) -> str:
    text = error.value if isinstance(error, z3.Z3Exception) else str(error)
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return str(text).strip().splitlines()[0][:200] if str(text).strip() else "not a formula"
