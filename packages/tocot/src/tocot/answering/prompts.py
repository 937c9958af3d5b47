"""Prompts: the same question for both arms, rendered from templates that users can replace."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from jinja2 import Environment, StrictUndefined, TemplateError
from tenpapers.errors import UserError
from tenpapers.generation.types import Message

from ..inputs.task_registry import TaskSpec, task_spec
from ..records import TaskItem

Style = Literal["unified", "prefill", "chat_only"]
STYLES: tuple[Style, ...] = ("unified", "prefill", "chat_only")
# Zero-shot wordings of part E: our own sentences with the cue of each paper's idea.
VARIANTS = ("steps", "plan", "careful", "breath")
# Tokens of a CoT that the paper's style cues with a sentence of the assistant.
STEP_CUE = "Let me go through this step by step."


class Prompt(NamedTuple):
    """What is sent.

    Parameters
    ----------
    messages : the turns; a prefill is the last one, the assistant's.
    prefill : beginning of the answer; "" for none.
    max_new_tokens : budget of the setting.
    stop : strings at which the answer ends.
    stop_pattern : expression whose match completes the answer.
    """

    messages: list[Message]
    prefill: str
    max_new_tokens: int
    stop: tuple[str, ...]
    stop_pattern: str


_SECTION = re.compile(r"^--- (\w+) ---\n", re.MULTILINE)


@cache
def _sections(name: str, folder: Path | None) -> dict[str, str]:
    """Parts of a template file: `--- question ---`, `--- direct ---`, `--- cot ---`, ..."""
    own = folder / f"{name}.jinja" if folder else None
    if own is not None and own.exists():
        text = own.read_text(encoding="utf-8")
    else:
        text = files("tocot").joinpath(f"prompts/{name}.jinja").read_text(encoding="utf-8")
    parts = _SECTION.split(text)
    return dict(zip(parts[1::2], (part.strip("\n") for part in parts[2::2]), strict=True))


def fill(name: str, section: str, folder: Path | None = None, **values: object) -> str:
    """Fill one section of a template; a file of the same name in `folder` replaces ours.

    Raises
    ------
    UserError : no such section, or the template is not Jinja or names something unknown.
    """
    sections = _sections(name, folder)
    if section not in sections:
        raise UserError(f"{folder or 'prompts'}/{name}.jinja: no section {section!r}")
    try:
        made = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        return made.from_string(sections[section]).render(**values).strip("\n")
    except TemplateError as error:
        raise UserError(f"{folder or 'prompts'}/{name}.jinja: {section}: {error}") from None


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
    """The prompt of one item in one setting (spec 3.2).

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
    if style not in STYLES:
        raise UserError(f"style {style}: unknown", ", ".join(STYLES))
    if setting not in ("zs_direct", "zs_cot", "fs_direct", "fs_cot"):
        raise UserError(f"setting {setting}: unknown", "zs_direct, zs_cot, fs_direct, fs_cot")
    arm = "cot" if setting.endswith("cot") else "direct"
    few = setting.startswith("fs")
    if few and not demos:
        raise UserError(f"task {item.task}: {setting} needs demonstrations", "it has none")
    system = fill("system", "both" if style == "unified" else arm, folder)
    messages = [Message(role="system", content=system)]
    shown = [(demo, _shown(demo, spec, arm, folder)) for demo in (demos or ()) if few]
    before = ""
    if spec.style == "plain":  # all demonstrations in the user's turn
        before = "".join(f"{_question(one, spec, folder)}\n{answer}\n\n" for one, answer in shown)
    else:
        for one, answer in shown:
            messages.append(_user(one, spec, arm, variant, folder))
            messages.append(Message(role="assistant", content=answer))
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
    # A direct answer ends with its line; the template gives it one.
    stop = ("\n",) if arm == "direct" and prefill else ("\n\n",) if arm == "direct" else ()
    pattern = _complete(spec, folder) if arm == "cot" else ""
    return Prompt(messages, prefill, new, stop, pattern)


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


def _shown(item: TaskItem, spec: TaskSpec, arm: str, folder: Path | None) -> str:
    """What the assistant answers in a demonstration."""
    gold = item.gold if isinstance(item.gold, str) else item.gold[0]
    answer = fill(spec.style, "answer", folder, answer=gold, arm=arm)
    if arm == "direct":
        return answer
    rationale = str(item.meta.get("rationale", "")).strip()
    if not rationale:
        raise UserError(f"demonstration {item.id}: no meta.rationale, which fs_cot needs")
    # The data set's own closing sentence gives way to ours.
    rationale = re.sub(r"\s*The answer is \([A-J]\)\.?\s*$", "", rationale)
    return f"{rationale}\n{answer}"


def _complete(spec: TaskSpec, folder: Path | None) -> str:
    """An expression that matches the finished answer sentence of a style."""
    sections = _sections(spec.style, folder)
    return sections.get("complete", "")
