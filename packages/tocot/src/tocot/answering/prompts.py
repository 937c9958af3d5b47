"""Prompts: the same question for both arms, rendered from templates that users can replace."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

from tenpapers.errors import UserError
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..extraction.run_on import STOP
from ..inputs.task_registry import TaskSpec, task_spec
from ..records import TaskItem
from .settings import Style

fill = partial(fill_section, "tocot")
# Wordings of the zero-shot cue: our own sentences with the idea of each paper.
VARIANTS = ("steps", "plan", "careful", "breath")
# How the assistant's turn begins where the paper cues a chain of thought with a sentence of it.
STEP_CUE = "Let me go through this step by step."
# How data sets close their own rationales (MMLU and MMLU-Pro, ContextHub, GSM8K).
_OWN_CLOSING = re.compile(
    r"\s*(?:(?:\b(?:Thus|So|Hence|Therefore),?\s+)?\bthe answer is "
    r"(?:\([A-J]\)|<answer>[^<>]*</answer>)\.?|####[^\n]*)\s*\Z",
    re.IGNORECASE,
)


class Prompt(NamedTuple):
    """What is sent.

    Parameters
    ----------
    messages : the turns; a prefill is the last of them, the assistant's.
    prefill : beginning of the answer; "" for none.
    max_new_tokens : budget of the setting.
    stop : expression whose match ends the answer: a further question of the model's own. No
        earlier stop, for what a model still says may take its answer back.
    """

    messages: list[Message]
    prefill: str
    max_new_tokens: int
    stop: str


def build_messages(
    item: TaskItem,
    setting: str,
    style: Style = "unified",
    demos: Sequence[TaskItem] | None = None,
    *,
    variant: str = "steps",
    folder: Path | None = None,
    budget: int | None = None,
) -> Prompt:
    """The prompt of one item in one setting.

    Parameters
    ----------
    setting : zs_direct, zs_cot, fs_direct or fs_cot.
    style : "unified" has one system message and the instruction of the arm last, so that both
        arms share everything before it; "prefill" is the paper's; "chat_only" is that without a
        prefill, for services that take none.
    demos : demonstrations of a few-shot setting; those of `fs_cot` need a rationale.
    variant : wording of the CoT instruction.
    budget : new tokens; None for the task's.

    Raises
    ------
    UserError : unknown setting, style or variant; few-shot without demonstrations.
    """
    spec = task_spec(item.task)
    if style not in get_args(Style):
        raise UserError(f"style {style}: unknown", ", ".join(get_args(Style)))
    if setting not in ("zs_direct", "zs_cot", "fs_direct", "fs_cot"):
        raise UserError(f"setting {setting}: unknown", "zs_direct, zs_cot, fs_direct, fs_cot")
    arm = "cot" if setting.endswith("cot") else "direct"
    few = setting.startswith("fs")
    if few and not demos:
        raise UserError(f"task {item.task}: {setting} needs demonstrations", "it has none")
    system = fill("system", "both" if style == "unified" else arm, folder)
    messages = [Message(role="system", content=system)]
    shown = [(demo, _answer(demo, spec, arm, folder)) for demo in (demos or ()) if few]
    before = ""
    if spec.style == "plain":  # all demonstrations in the user's turn
        before = "".join(f"{_question(demo, spec, folder)}\n{text}\n\n" for demo, text in shown)
    else:
        for demo, text in shown:
            messages.append(_user(demo, spec, arm, variant, folder))
            messages.append(Message(role="assistant", content=text))
    last = _user(item, spec, arm, variant, folder)
    messages.append(last.model_copy(update={"content": before + last.content}))
    prefill = ""
    if style == "prefill" and arm == "direct":
        prefill = spec.prefill
    elif style == "prefill" and few and item.task == "stratqa":
        prefill = STEP_CUE
    if prefill:
        messages.append(Message(role="assistant", content=prefill))
    new = budget or spec.new_tokens(setting)
    return Prompt(messages, prefill, new, "" if spec.kind == "judge" else STOP)


def _user(item: TaskItem, spec: TaskSpec, arm: str, variant: str, folder: Path | None) -> Message:
    question = _question(item, spec, folder)
    how = ""
    if arm == "cot":
        if variant not in VARIANTS:
            raise UserError(f"variant {variant}: unknown", ", ".join(VARIANTS))
        how = fill("variants", variant, folder) + " "
    ask = how + fill(spec.style, arm, folder, item=item)
    return Message(role="user", content=f"{question}\n\n{ask}")


def _question(item: TaskItem, spec: TaskSpec, folder: Path | None) -> str:
    return fill(spec.style, "question", folder, item=item, options=_options(item))


def _options(item: TaskItem) -> list[tuple[str, str]]:
    if item.choices is None:
        return []
    return list(zip(item.choices.label, item.choices.text, strict=True))


def _answer(item: TaskItem, spec: TaskSpec, arm: str, folder: Path | None) -> str:
    """What the assistant answers in a demonstration."""
    gold = item.gold if isinstance(item.gold, str) else item.gold[0]
    answer = fill(spec.style, "answer", folder, answer=gold, arm=arm)
    if arm == "direct":
        return answer
    rationale = str(item.meta.get("rationale", "")).strip()
    if not rationale:
        raise UserError(f"demonstration {item.id}: no meta.rationale, which fs_cot needs")
    # The data set's own closing gives way to the sentence that the question asks for.
    return f"{_OWN_CLOSING.sub('', rationale)}\n{answer}"
