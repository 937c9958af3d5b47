"""Which prompts are asked, in which order: demonstrations that fit, what shares them together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import ConfigDict, Field
from tenpapers.generation import Request
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.types import Message

from ..inputs.task import Task
from ..records import IclRow, InputRow
from .prompts import Mode, Style, prompt_text, render_prompt
from .shots import group_shots
from .window import prompt_limit

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KeyT = TypeVar("KeyT")
# Longest prompt in tokens, as in the official runs.
MAX_PROMPT_TOKENS = 4000


@dataclass(frozen=True)
class GenerateConfig:
    """How prompts are made and answers are sampled."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    mode: Mode = "retricl"
    shots: Annotated[
        int, Field(ge=0), typer.Option(help="Demonstrations a prompt; 0 for none.", min=0)
    ] = 3
    style: Annotated[
        Style, typer.Option(help="Text to go on with, turns as text, or the model's own template.")
    ] = "plain"
    icl_groups: Annotated[
        int | None,
        Field(ge=1),
        typer.Option(help="Sets of demonstrations a label [one a prompt].", min=1),
    ] = None
    temperature: Annotated[float, Field(ge=0), typer.Option(help="0 is greedy.", min=0)] = 0.95
    top_p: Annotated[
        float,
        Field(gt=0, le=1),
        typer.Option(help="Nucleus; 1 is not sent, for services that take one of both.", max=1),
    ] = 0.9
    max_new_tokens: Annotated[
        int | None, Field(ge=1), typer.Option(help="Tokens of an answer [the task's].", min=1)
    ] = None
    max_prompt_tokens: Annotated[
        int,
        Field(ge=16),
        typer.Option(help="Whole demonstrations go from the front until it fits.", min=16),
    ] = MAX_PROMPT_TOKENS
    seed: Annotated[int, typer.Option(help="Seed of the demonstrations and the sampling.")] = 42


@dataclass(frozen=True)
class Prompt:
    """A prompt, its input, and the demonstrations that are left in it.

    Parameters
    ----------
    n_tokens : its length at most: that of its blocks, each of which is counted once.
    too_long : it does not fit the model's window, even without a demonstration.
    """

    row: InputRow
    shots: tuple[IclRow, ...]
    content: str | list[Message]
    n_tokens: int
    too_long: bool = False


def plan_prompts(
    rows: Sequence[InputRow],
    icl: Sequence[IclRow],
    task: Task,
    config: GenerateConfig,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    window: int | None = None,
) -> list[Prompt]:
    """All prompts, those with the same demonstrations together, longer ones first.

    Whole demonstrations are dropped from the front until a prompt and its answer fit; the document
    that is asked about is never cut.

    Parameters
    ----------
    window : longest sequence of the teacher, in tokens; None where it is not known.

    Raises
    ------
    UserError : more shots than a pool has, a label without verbalizer, a window without room for
        an answer.
    """
    new_tokens = config.max_new_tokens or task.max_new_tokens
    limit = prompt_limit(window, config.max_prompt_tokens, new_tokens)
    chosen = group_shots(rows, icl, config.shots, config.icl_groups, config.seed)
    lengths = _Lengths(task, config, tokenizer)
    lengths.measure(rows, (shot for shots in chosen.values() for shot in shots))
    prompts = []
    for row in rows:
        left = list(chosen[row.id])
        while left and lengths.of(row, left) > limit:
            left = left[1:]
        content = render_prompt(task, config.mode, row.label, row.context, left, config.style)
        n_tokens = lengths.of(row, left)
        too_long = window is not None and n_tokens + new_tokens > window
        prompts.append(Prompt(row, tuple(left), content, n_tokens, too_long))
    return sorted(
        prompts,
        key=lambda prompt: (
            prompt.row.label,
            [shot.id for shot in prompt.shots],
            -prompt.n_tokens,
            prompt.row.id,
        ),
    )


class _Lengths:
    """Tokens of prompts, each demonstration and each question counted once."""

    def __init__(
        self, task: Task, config: GenerateConfig, tokenizer: "PreTrainedTokenizerBase"
    ) -> None:
        self.task, self.config, self.tokenizer = task, config, tokenizer
        self.shots: dict[tuple[str, str], int] = {}
        self.questions: dict[str, int] = {}
        self.turn = self._of_a_turn() if config.style == "chat" else 0

    def measure(self, rows: Sequence[InputRow], shots: Iterable[IclRow]) -> None:
        """Count the tokens of all blocks, in one call of the tokenizer each kind."""
        by_name = {(shot.label, shot.id): shot for shot in shots}
        self.shots = self._counted({key: self._block(shot) for key, shot in by_name.items()})
        self.questions = self._counted(
            {row.id: prompt_text(self._rendered(row.label, row.context, ())) for row in rows}
        )

    def of(self, row: InputRow, shots: Sequence[IclRow]) -> int:
        """Tokens of a prompt at most, the sign at its beginning and the chat template's among them.

        Blank lines between blocks may be cut in another way than at a block's end: one more each.
        """
        blocks = sum(1 + self.shots[shot.label, shot.id] for shot in shots)
        turns = 1 + (2 * len(shots) if self.config.mode != "non-retricl" else 0)
        return 1 + blocks + self.questions[row.id] + turns * self.turn

    def _rendered(
        self, label: str, context: str | None, shots: Sequence[IclRow]
    ) -> str | list[Message]:
        return render_prompt(self.task, self.config.mode, label, context, shots, self.config.style)

    def _block(self, shot: IclRow) -> str:
        """A demonstration as it stands in a prompt, with the blank line behind it."""
        alone = prompt_text(self._rendered(shot.label, None, ()))
        return prompt_text(self._rendered(shot.label, None, (shot,))).removesuffix(alone)

    def _counted(self, texts: Mapping[KeyT, str]) -> dict[KeyT, int]:
        if not texts:
            return {}
        coded = self.tokenizer(list(texts.values()), add_special_tokens=False)["input_ids"]
        return {key: len(ids) for key, ids in zip(texts, coded, strict=True)}

    def _of_a_turn(self) -> int:
        """Tokens that the chat template puts around a turn, those that open an answer included."""
        turns = (Message(role="user", content="a"),)
        text = chat_text(self.tokenizer, Request(id="", messages=turns))
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def shared_share(prompts: Sequence[Prompt]) -> float:
    """Share of all prompt tokens that a prefix cache has to compute only once.

    Of a prompt as much is shared as its text has in common with the one before.
    """
    texts = [prompt_text(prompt.content) for prompt in prompts]
    saved = 0.0
    for before, text, prompt in zip(texts, texts[1:], prompts[1:], strict=False):
        same = next(
            (place for place, (a, b) in enumerate(zip(before, text, strict=False)) if a != b),
            min(len(before), len(text)),
        )
        saved += prompt.n_tokens * same / max(1, len(text))
    total = sum(prompt.n_tokens for prompt in prompts)
    return saved / total if total else 0.0
