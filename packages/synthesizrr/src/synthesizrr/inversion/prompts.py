"""Prompts of task inversion, put together by concatenation: a document may hold any sign."""

import re
from collections.abc import Sequence
from typing import Literal

from tenpapers.generation.types import Message

from ..inputs.task import Task
from ..records import IclRow
from .echoes import heading, marks_itself

Style = Literal["plain", "turns", "chat"]
Mode = Literal["retricl", "non-retricl", "fewgen"]
# How the blocks of `turns` begin.
HUMAN, ASSISTANT = "Human:", "Assistant:"
# Signs that no text has; a terminal may obey them.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def render_prompt(
    task: Task,
    mode: Mode,
    label: str,
    context: str | None,
    shots: Sequence[IclRow],
    style: Style = "plain",
) -> str | list[Message]:
    """The prompt of one input: demonstrations first, its own document last.

    Parameters
    ----------
    mode : "retricl" (a demonstration has its document and the instruction), "non-retricl" (only
        the answer), "fewgen" (no document anywhere).
    context : the document; None for FewGen.
    shots : demonstrations, all of this label; none for 0-shot.
    style : "plain" text to go on with, "turns" of a human and an assistant as text, or "chat",
        messages for the model's own template.
    """
    question = _question(task, label, context, fewgen=mode == "fewgen")
    answers = [inserted(shot.example_text, task) for shot in shots]
    if mode == "non-retricl":
        shown = [f"{_prefix(task)}{answer}" for answer in answers]
        return _in_style(task, style, [], "\n\n".join([*shown, question]))
    pairs = [
        (_question(task, label, shot.context, fewgen=mode == "fewgen"), answer)
        for shot, answer in zip(shots, answers, strict=True)
    ]
    return _in_style(task, style, pairs, question)


def inserted(text: str, task: Task) -> str:
    """A text that can stand in a prompt: without what would end its block or begin another.

    The answer prefix, the document header, turn markers and control characters go: at the head of
    a line in any case, elsewhere as they stand in the prompt. A marker without a sign of its own
    (`Review`) goes only where a line has it as a heading.
    """
    text = CONTROL.sub("", text)
    markers = (task.answer_prefix, task.document_header, HUMAN, ASSISTANT)
    signs = [re.escape(marker) for marker in markers if marks_itself(marker)]
    patterns = [heading(marker) for marker in markers]
    patterns.append(re.compile("|".join(signs)))
    while any(pattern.search(text) for pattern in patterns):  # what is left may form one anew
        for pattern in patterns:
            text = pattern.sub("", text)
    # A blank line separates blocks, so a text has none.
    return re.sub(r"\n\s*\n", "\n", text).strip()


def _question(task: Task, label: str, context: str | None, *, fewgen: bool) -> str:
    ask = task.ask(label, document=not fewgen)
    if context is None or fewgen:
        return ask
    return f"{task.document_header}\n{inserted(context, task)}\n\n{ask}"


def _prefix(task: Task) -> str:
    return task.answer_prefix + ("\n" if task.answer_on_own_line else " ")


def _in_style(
    task: Task, style: Style, pairs: Sequence[tuple[str, str]], last: str
) -> str | list[Message]:
    """Question and answer pairs and the open question, as text or as turns."""
    prefix = _prefix(task)
    if style == "chat":
        turns: list[Message] = []
        for question, answer in pairs:
            turns.append(Message(role="user", content=f"{question}\n{prefix.rstrip()}"))
            turns.append(Message(role="assistant", content=answer))
        open_question = f"{last}\n{prefix.rstrip()}"
        return [*turns, Message(role="user", content=open_question)]
    if style == "turns":
        blocks = [f"{HUMAN} {q}\n\n{ASSISTANT} {prefix}{answer}" for q, answer in pairs]
        blocks.append(f"{HUMAN} {last}\n\n{ASSISTANT} {prefix.rstrip(' ')}")
        return "\n\n".join(blocks)
    blocks = [f"{question}\n{prefix}{answer}" for question, answer in pairs]
    return "\n\n".join([*blocks, f"{last}\n{prefix.rstrip(' ')}"])


def stop_sequences(task: Task, style: Style = "plain") -> tuple[str, ...]:
    """Where an answer ends: at the next document, at an answer prefix, at another turn.

    In a chat the prefix is no stop: the model may begin its answer with it. Nor is a word alone
    (`Review`), which running text may hold.
    """
    header, prefix = task.document_header, task.answer_prefix
    stops = [f"\n\n{header}" if marks_itself(header) else f"\n\n{header}\n"]
    if style != "chat" and marks_itself(prefix):
        stops.append(prefix)
    if style == "turns":
        stops.append(f"\n\n{HUMAN}")
    return tuple(stops)


def prompt_text(prompt: str | list[Message]) -> str:
    """All of a prompt as one text, for hashes and counts."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"{turn.role}: {turn.content}" for turn in prompt)
