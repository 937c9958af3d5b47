"""Judges for what strings cannot grade: short answers on a miss, free replies from 1 to 5."""

from collections.abc import Callable

from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message

from ..records import Extraction, TaskItem
from ..scoring.grade import judged
from .prompts import fill

# Whether an extracted answer of an item is right; None for what it does not judge.
Judge = Callable[[TaskItem, Extraction], bool | None]


def model_judge(model: Generator) -> Judge:
    """A judge that is a model: yes or no on short answers, a grade from 1 to 5 on replies."""

    def judge(item: TaskItem, found: Extraction) -> bool | None:
        if item.answer_kind not in ("short", "judge"):
            return None
        gold = item.gold if isinstance(item.gold, str) else "; ".join(item.gold)
        text = fill("judge", item.answer_kind, item=item, gold=gold, answer=found.answer or "")
        sampling = Sampling(max_tokens=256 if item.answer_kind == "judge" else 8)
        request = Request(
            id=item.id, messages=(Message(role="user", content=text),), sampling=sampling
        )
        reply = model.generate([request])[0].text
        if item.answer_kind == "judge":
            return judged(reply)
        return reply.strip().lower().startswith("yes")

    return judge
