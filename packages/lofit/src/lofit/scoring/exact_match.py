"""Exact match: the released code's rule, and a mended one."""

from collections.abc import Sequence

MARKER = "A:"  # what an answer follows in our prompts


def strict_prediction(task: str, completion: str) -> str:
    """What the released code grades.

    CLUTRR: up to the first full stop, stripped. Otherwise: what follows the *last* answer marker,
    up to the first newline, *not* stripped, so that a leading blank makes an answer wrong.
    """
    if task == "clutrr":
        return completion.split(".")[0].strip().lower()
    return completion.rsplit(MARKER, 1)[-1].split("\n")[0].lower()


def normalized_prediction(task: str, completion: str) -> str:
    """First line without surrounding blanks and final full stop; CLUTRR: up to a full stop."""
    line = completion.strip().split("\n")[0].strip()
    if task == "clutrr":
        line = line.split(".")[0]
    return line.removesuffix(".").strip().lower()


def exact_match(task: str, completion: str, answers: Sequence[str], *, strict: bool = False) -> int:
    """1 if the prediction equals one of the answers (lower case), else 0; an empty one is 0."""
    prediction = (strict_prediction if strict else normalized_prediction)(task, completion)
    return int(bool(prediction) and prediction in {answer.lower() for answer in answers})
