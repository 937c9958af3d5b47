"""Whether an extracted answer is the right one, by the kind of answer."""

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

from ..records import AnswerKind, Extraction
from .math_answers import checker
from .settings import MathGrading, TextMatch

JUDGE_PASSES = 4  # of 5
F1_PASSES = 0.8
_ARTICLES = re.compile(r"\b(a|an|the)\b")
# "[RESULT] 4"; without brackets it takes a colon, since "as a result 4 of .." is prose.
_RESULT = re.compile(r"\[result\]\s*:?\s*\**\s*([1-5])\b", re.IGNORECASE)
_RESULT_LINE = re.compile(r"\bresult\s*:\s*\**\s*([1-5])\b", re.IGNORECASE)
_SIGNS = re.compile(f"[{re.escape(string.punctuation)}]")


def grade(
    extraction: Extraction,
    gold: str | Sequence[str],
    kind: AnswerKind,
    *,
    text_match: TextMatch = "equal",
    math_by: MathGrading = "verify",
) -> bool:
    """Grade one extraction; an unparseable one is wrong.

    Parameters
    ----------
    gold : the right answer, or several of which any counts.
    text_match : of `text`: "equal", or "substring" (gold within the answer, the paper's BBH rule).
    math_by : of `math`: the Math-Verify library, or the official normaliser and equal texts.
    """
    if extraction.answer is None:
        return False
    golds = [gold] if isinstance(gold, str) else list(gold)
    return any(_same(extraction.answer, right, kind, text_match, math_by) for right in golds)


def _same(
    answer: str, gold: str, kind: AnswerKind, text_match: TextMatch, math_by: MathGrading
) -> bool:
    if kind in ("letter", "text_choice", "bool3"):
        return answer.casefold() in (gold.casefold(), gold.strip("()[] ").casefold())
    if kind == "number":
        return same_number(answer, gold.rpartition("####")[2].strip("()[] "))
    if kind == "math":
        return checker().same(answer, gold) if math_by == "verify" else same_math(answer, gold)
    if kind == "short":
        return token_f1(answer, gold) >= F1_PASSES
    if kind == "judge":
        return judged(answer)
    a, b = " ".join(answer.split()).casefold(), " ".join(gold.split()).casefold()
    return b in a if text_match == "substring" else a == b


def as_number(text: str) -> float | None:
    """A number without `$`, thousands separators, percent sign and units; None for none."""
    plain = text.strip().replace(",", "").replace("$", "").replace("%", "")
    hit = re.match(r"\s*(-?\s?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)", plain)
    if hit is None:
        return None
    value = float(hit.group(1).replace(" ", ""))
    return value if math.isfinite(value) else None


def same_number(answer: str, gold: str) -> bool:
    """Equal as numbers, relative tolerance 1e-6 (or 1e-9: tiny golds are rounded)."""
    a, b = as_number(answer), as_number(gold)
    if a is None or b is None:
        return answer.strip() == gold.strip()
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def same_math(answer: str, gold: str) -> bool:
    """Equal after normalisation, or as numbers."""
    a, b = normal_math(answer), normal_math(gold)
    if a == b:
        return True
    numbers = [_value(text) for text in (a, b)]
    if None in numbers:
        return False
    return math.isclose(*[float(n) for n in numbers if n is not None], rel_tol=1e-6)


def _value(text: str) -> float | None:
    hit = re.fullmatch(r"(-?)\\frac\{(-?\d+)\}\{(-?\d+)\}", text)
    if hit and int(hit.group(3)):
        value = int(hit.group(2)) / int(hit.group(3))
        return -value if hit.group(1) else value
    try:
        return float(text)
    except ValueError:
        return None


def normal_math(text: str) -> str:
    """LaTeX of an answer in one form: blanks, units, fractions, roots, signs."""
    text = text.strip().rstrip(".")
    text = re.sub(r"\\(?:left|right|!|,|;|:|\s)", "", text)
    text = text.replace("^{\\circ}", "").replace("^\\circ", "").replace("°", "")
    text = text.replace("\\$", "").replace("$", "").replace("\\%", "").replace("%", "")
    # A unit stands behind something; words that are all there is are the answer.
    text = re.sub(r"(?<=\S)\s*\\(?:text|mbox|mathrm)\s*\{\s*[^{}]*\}\s*$", "", text)
    text = re.sub(r"\\(?:text|mbox|mathrm)\s*\{\s*([^{}]*?)\s*\}", r"\1", text)
    text = re.sub(r"(\d),(?=\d{3}(?:\D|$))", r"\1", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = re.sub(r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac\s*\{([^{}]*)\}\s*(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac\s*(\d)\s*\{", r"\\frac{\1}{", text)
    text = re.sub(r"\\sqrt\s*(\w)", r"\\sqrt{\1}", text)
    text = re.sub(r"\s+", "", text)
    head, equal, tail = text.partition("=")
    if equal and len(head) <= 2 and "=" not in tail:
        text = tail
    if hit := re.fullmatch(r"(-?)(\d+)/(\d+)", text):
        text = rf"{hit.group(1)}\frac{{{hit.group(2)}}}{{{hit.group(3)}}}"
    if text in ("0.5", ".5"):
        return r"\frac{1}{2}"
    return "0" + text if text.startswith(".") else text


def normal_short(text: str) -> str:
    """Lower case, signs as blanks, no articles, single blanks (MuSiQue's normalisation)."""
    plain = _SIGNS.sub(" ", text.lower())
    return " ".join(_ARTICLES.sub(" ", plain).split())


def token_f1(answer: str, gold: str) -> float:
    """F1 of the normalised tokens; 1 for two empty answers."""
    a, b = normal_short(answer).split(), normal_short(gold).split()
    if not a or not b:
        return float(a == b)
    same = sum((Counter(a) & Counter(b)).values())
    return 2 * same / (len(a) + len(b))


def judged(verdict: str) -> bool:
    """Whether a judge's verdict ("[RESULT] 4") passes; without a grade it does not."""
    found = judge_score(verdict)
    return found is not None and found >= JUDGE_PASSES


def judge_score(verdict: str) -> int | None:
    """The grade from 1 to 5 after the last result marker; None without one."""
    marked = _RESULT.findall(verdict) or _RESULT_LINE.findall(verdict)
    if marked:
        return int(marked[-1])
    hit = re.fullmatch(r"\s*([1-5])\s*", verdict)
    return int(hit.group(1)) if hit else None
