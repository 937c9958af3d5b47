"""Judges for what strings cannot grade: short answers on a miss, free replies from 1 to 5."""

import re
from collections.abc import Callable
from typing import NamedTuple

from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message

from ..records import Extraction, TaskItem
from ..scoring.grade import JUDGE_PASSES, judge_score
from .prompts import fill

_YES_OR_NO = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class Judgement(NamedTuple):
    """What a judge said: right or wrong, or why it said neither, which is no wrong answer."""

    correct: bool | None
    problem: str = ""


# Whether an extracted answer of an item is right; None for what it does not judge.
Judge = Callable[[TaskItem, Extraction], Judgement | None]


def model_judge(model: Generator) -> Judge:
    """A judge that is a model: yes or no on short answers, a grade from 1 to 5 on replies."""

    def judge(item: TaskItem, found: Extraction) -> Judgement | None:
        if item.answer_kind not in ("short", "judge"):
            return None
        gold = item.gold if isinstance(item.gold, str) else "; ".join(item.gold)
        text = fill("judge", item.answer_kind, item=item, gold=gold, answer=found.answer or "")
        sampling = Sampling(max_tokens=256 if item.answer_kind == "judge" else 8)
        request = Request(
            id=item.id, messages=(Message(role="user", content=text),), sampling=sampling
        )
        reply = model.generate([request])[0]
        if reply.finish_reason not in ("stop", "length"):
            return Judgement(None, reply.outcome)
        return _read(reply.text, graded=item.answer_kind == "judge")

    return judge


def _read(verdict: str, *, graded: bool) -> Judgement:
    if graded:
        score = judge_score(verdict)
        if score is None:
            return Judgement(None, "no grade in its verdict")
        return Judgement(score >= JUDGE_PASSES)
    word = _YES_OR_NO.match(verdict)
    if word is None:
        return Judgement(None, "neither yes nor no")
    return Judgement(word.group(1).lower() == "yes")
