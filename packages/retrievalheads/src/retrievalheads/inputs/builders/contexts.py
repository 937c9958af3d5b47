"""Filling a context to its length: what must be in it, then what fits, never cut in the middle."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.templates import fill

from ...records import Example, Task, Variant
from ..fact_writers import BuildError, Writer
from ..normalised_text import normalise
from ..prompt_rendering import PACKAGE, ChatFrame, Draft, compose, document_frame
from ..published_files import Item, Passage
from ..token_spans import encode_prompt, encode_target
from ..wordings import FILLER

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Tokens kept free besides query and target: instruction, cue and chat frame fit into them. If not,
# as many as those need, with a few for borders where tokens of two pieces do not merge.
SPARE, BORDERS = 64, 16
# Passages that may be too long, one after the other, before a context counts as full.
PATIENCE = 60


@dataclass
class Frame:
    """What all examples of a dataset share.

    Parameters
    ----------
    task, variant, split, seed : whose examples these are.
    tokenizer, context : the length they are built for.
    items : of the split; `pool` their passages, for filling.
    writer : of generated texts.
    fictional : whether entities get invented names.
    folder, chat : templates and the chat frame.
    """

    task: Task
    variant: Variant
    split: str
    seed: int
    tokenizer: PreTrainedTokenizerBase
    context: int
    items: Sequence[Item]
    pool: Sequence[Passage]
    writer: Writer
    fictional: bool = False
    folder: Path | None = None
    chat: ChatFrame | None = None
    _lengths: dict[str, int] = field(default_factory=dict)

    def tokens(self, text: str) -> int:
        """Tokens of a text, remembered."""
        if text not in self._lengths:
            self._lengths[text] = len(encode_target(self.tokenizer, text))
        return self._lengths[text]

    def document_tokens(self, draft: Draft) -> int:
        """Tokens of a document in the prompt."""
        before, between, after = document_frame(draft.title, self.folder)
        return self.tokens(before + "100" + between) + self.tokens(draft.text + after + "\n\n")

    def draw(self, index: int, purpose: str = "") -> random.Random:
        """The random generator of one example; independent of how many there are."""
        name = f"{self.seed}:{self.task}:{self.variant}:{index}"
        return random.Random(f"{name}:{purpose}" if purpose else name)


@lru_cache(maxsize=200_000)
def _normal(text: str) -> str:
    return normalise(text)


class LeakGuard:
    """Refuses passages that would give an answer away, or that are in the context already."""

    def __init__(self, answers: Iterable[str], titles: Iterable[str] = ()) -> None:
        self._answers = [_normal(answer) for answer in answers if _normal(answer)]
        self._titles = [_normal(title) for title in titles if _normal(title)]
        self._seen: set[str] = set()

    def must(self, text: str) -> None:
        """Note a text that is in the context."""
        self._seen.add(text)

    def tells(self, text: str) -> bool:
        """Whether a text gives an answer away."""
        normal = _normal(text)
        return any(answer in normal for answer in self._answers)

    def allows(self, text: str, *, filler: bool = True) -> bool:
        """Whether a passage may come in; titles of gold passages matter for fillers only."""
        normal = _normal(text)
        if text in self._seen or self.tells(text):
            return False
        if filler and any(title in normal for title in self._titles):
            return False
        self._seen.add(text)
        return True


def filled(
    frame: Frame,
    must: Sequence[Draft],
    candidates: Iterable[Draft],
    *,
    query: str,
    target: str,
    draw: random.Random,
) -> list[Draft]:
    """The documents of one prompt, shuffled.

    Raises
    ------
    BuildError : what must be in it does not fit; names needed and available tokens.
    """
    around = fill(PACKAGE, frame.task, frame.folder) + fill(
        PACKAGE, f"{frame.task}_cue", frame.folder
    )
    if frame.chat:
        around += frame.chat.head + frame.chat.tail
    asked = fill(PACKAGE, f"{frame.task}_query", frame.folder, query=query)
    spare = max(SPARE, frame.tokens(around) + BORDERS)
    reserve = frame.tokens(asked) + frame.tokens(target) + spare
    room = frame.context - reserve
    used = sum(frame.document_tokens(draft) for draft in must)
    if used > room:
        raise BuildError(
            f"the gold passages need {used} tokens, {room} of {frame.context} are available"
        )
    chosen, misses = list(must), 0
    for draft in candidates:
        cost = frame.document_tokens(draft)
        if used + cost <= room:
            chosen.append(draft)
            used += cost
        else:
            misses += 1
            if misses > PATIENCE:
                break
    draw.shuffle(chosen)
    return chosen


def fillers(frame: Frame, guard: LeakGuard, draw: random.Random) -> Iterator[Draft]:
    """Passages of other questions, without replacement, past the leak guard."""
    order = list(range(len(frame.pool)))
    draw.shuffle(order)
    for index in order:
        passage = frame.pool[index]
        if guard.allows(f"{passage.title} {passage.text}"):
            yield Draft(text=passage.text, role="filler", title=passage.title or None)


def repeated(guard: LeakGuard) -> Iterator[Draft]:
    """The block of trivial sentences, again and again, without those that give the answer away.

    Raises
    ------
    BuildError : all of them do.
    """
    sentences = [s for s in re.findall(r"[^.]+\.", FILLER) if not guard.tells(s)]
    if not sentences:
        raise BuildError("every sentence of the filler gives the answer away")
    for _ in range(10_000):
        yield Draft(text="".join(sentences).strip(), role="filler")


def numbers_for(context: int) -> int:
    """How many different numbers a symbolic context of so many tokens can use up at most."""
    return min(80_000, 100 + context)


def finish(
    frame: Frame,
    identity: str,
    drafts: Sequence[Draft],
    *,
    query: str,
    target: str | None,
    answers: Sequence[str],
    meta: dict[str, Any],
) -> Example:
    """Compose the prompt, count its tokens, and put the record together.

    `target` None is the list of the cited documents' numbers.

    Raises
    ------
    BuildError : longer than the context after all.
    """
    prompt = compose(frame.task, query, drafts, folder=frame.folder, chat=frame.chat)
    if target is None:
        cited = [number for number, draft in enumerate(drafts, 1) if draft.cited]
        answers = [str(number) for number in cited]
        target = " " + "".join(f"[{number}]" for number in cited)
    ids, _ = encode_prompt(frame.tokenizer, prompt.text)
    n_tokens = len(ids) + len(encode_target(frame.tokenizer, target))
    if n_tokens > frame.context:
        raise BuildError(f"{n_tokens} tokens, {frame.context} are available")
    return Example(
        id=identity,
        task=frame.task,
        variant=frame.variant,
        split=frame.split,
        query=query,
        documents=prompt.documents,
        prompt=prompt.text,
        target=target,
        answers=tuple(answers),
        needles=prompt.needles,
        n_tokens=n_tokens,
        meta=meta | {"seed": frame.seed, "needle_texts": list(prompt.needle_texts)},
    )
