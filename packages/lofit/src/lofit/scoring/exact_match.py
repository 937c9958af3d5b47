"""Exact match: the released code's rule, and a mended one."""

from collections.abc import Sequence
from unicodedata import normalize

MARKER = "A:"  # what an answer follows in our prompts


def strict_prediction(task: str, completion: str) -> str:
    """What the released code grades.

    CLUTRR: up to the first full stop, stripped. Otherwise: what follows the *last* answer marker,
    up to the first newline, *not* stripped, so that a leading blank makes an answer wrong.
    """
    if task == "clutrr":
        return completion.split(".")[0].strip().lower()
    return completion.rsplit(MARKER, 1)[-1].split("\n")[0].lower()


def normalized(task: str, text: str) -> str:
    """What is compared of an answer, given or right: its first line, in one form of Unicode.

    Surrounding blanks, a final full stop and the case of letters do not count; of CLUTRR what
    follows a full stop does not either.
    """
    line = text.strip().split("\n")[0].strip()
    if task == "clutrr":
        line = line.split(".")[0].strip() or line
    plain = line.removesuffix(".").strip() or line
    return normalize("NFC", normalize("NFC", plain).casefold())


def ended(task: str, completion: str) -> bool:
    """Whether the graded part of a completion has ended, and more tokens would not change it."""
    return "\n" in completion.lstrip() or (task == "clutrr" and "." in completion)


def exact_match(task: str, completion: str, answers: Sequence[str], *, strict: bool = False) -> int:
    """1 if the prediction equals one of the answers, else 0; an empty one is 0.

    The strict rule compares with the answers as they stand, in lower case.
    """
    if strict:
        prediction = strict_prediction(task, completion)
        right = {answer.lower() for answer in answers}
    else:
        prediction = normalized(task, completion)
        right = {normalized(task, answer) for answer in answers}
    return int(bool(prediction) and prediction in right)
