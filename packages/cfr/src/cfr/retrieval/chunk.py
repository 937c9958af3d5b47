"""Windows of pages: 200 words with the page's title, as the paper cuts them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from tenpapers.errors import UserError

from ..records import Page, Passage

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Unit = Literal["words", "tokens"]
# A last window with fewer words than this says too little to stand alone.
LEAST_WORDS = 20


@dataclass(frozen=True)
class ChunkSettings:
    """How pages are cut."""

    window: Annotated[int, typer.Option(help="Length of a window.")] = 200
    stride: Annotated[int, typer.Option(help="From one window's beginning to the next.")] = 200
    unit: Annotated[
        Unit, typer.Option(help="What is counted: words between spaces, or an encoder's tokens.")
    ] = "words"
    allow_gaps: Annotated[
        bool, typer.Option("--allow-gaps", help="A stride longer than the window leaves text out.")
    ] = False
    encoder: Annotated[str, typer.Option(help="Whose tokens are counted (unit tokens).")] = "minilm"

    def check(self) -> None:
        """Stop where these settings make no windows, or leave text out unasked.

        Raises
        ------
        UserError : window or stride below 1, a stride longer than the window.
        """
        for name, value in (("window", self.window), ("stride", self.stride)):
            if value < 1:
                raise UserError(f"--{name} {value}: 1 or more is wanted")
        if self.stride > self.window and not self.allow_gaps:
            raise UserError(
                f"--stride {self.stride} is longer than --window {self.window}: text between "
                "windows would be left out",
                "pass --allow-gaps if that is meant",
            )


def chunk(
    page: Page,
    window: int = 200,
    stride: int = 200,
    unit: Unit = "words",
    *,
    allow_gaps: bool = False,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> list[Passage]:
    """Cut a page into windows; a word is what stands between spaces.

    A last window of fewer than 20 words is dropped, unless it is the only one.

    Parameters
    ----------
    window, stride : in `unit`; windows begin and end between words in either.
    tokenizer : whose tokens are counted where the unit is "tokens"; default MiniLM's.

    Returns
    -------
    Passages with the words' offsets; none of a page without text.

    Raises
    ------
    UserError : see `ChunkSettings.check`.
    """
    ChunkSettings(window, stride, unit, allow_gaps).check()
    words = page.text.split()
    if unit == "words":
        spans = [(start, min(start + window, len(words))) for start in range(0, len(words), stride)]
    else:
        spans = _token_spans(_lengths(words, tokenizer), window, stride)
    spans = _without_repeated_ends(spans)
    if len(spans) > 1 and spans[-1][1] - spans[-1][0] < LEAST_WORDS:
        spans.pop()
    name = hashlib.sha256(f"{page.url}\0{page.text}".encode(errors="replace")).hexdigest()[:16]
    return [
        Passage(
            pid=f"{name}-{start}",
            url=page.url,
            title=page.title,
            text=" ".join(words[start:end]),
            start=start,
            end=end,
        )
        for start, end in spans
    ]


def chunk_all(pages: Iterable[Page], settings: ChunkSettings | None = None) -> list[Passage]:
    """Cut pages into windows; of equal texts the first one stays.

    Raises
    ------
    UserError : see `ChunkSettings.check`.
    """
    chosen = settings or ChunkSettings()
    chosen.check()
    tokenizer = None
    if chosen.unit == "tokens":
        from .encoder import tokenizer_of

        tokenizer = tokenizer_of(chosen.encoder)
    return distinct(
        passage
        for page in pages
        for passage in chunk(
            page,
            chosen.window,
            chosen.stride,
            chosen.unit,
            allow_gaps=chosen.allow_gaps,
            tokenizer=tokenizer,
        )
    )


def distinct(passages: Iterable[Passage]) -> list[Passage]:
    """Passages of different texts; case and spaces do not count, and the first address stays."""
    found: dict[str, Passage] = {}
    for passage in passages:
        found.setdefault(text_key(passage.text), passage)
    return list(found.values())


def text_key(text: str) -> str:
    """What equal texts have in common: their words in lower case."""
    return " ".join(text.lower().split())


def _lengths(words: Sequence[str], tokenizer: PreTrainedTokenizerBase | None) -> list[int]:
    """Tokens of each word, at least one."""
    if tokenizer is None:
        from .encoder import tokenizer_of

        tokenizer = tokenizer_of("minilm")
    if not words:
        return []
    tokens = tokenizer(list(words), add_special_tokens=False)["input_ids"]
    return [max(1, len(ids)) for ids in tokens]


def _token_spans(lengths: Sequence[int], window: int, stride: int) -> list[tuple[int, int]]:
    """Words of each window, so that it has `window` tokens at most; a longer word stands alone."""
    before = [0, *accumulate(lengths)]  # tokens in front of each word
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(lengths):
        end = start + 1
        while end < len(lengths) and before[end + 1] - before[start] <= window:
            end += 1
        spans.append((start, end))
        nearest = start + 1
        while nearest < len(lengths) and before[nearest + 1] - before[start] <= stride:
            nearest += 1
        start = nearest
    return spans


def _without_repeated_ends(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Windows before the first one that reaches the page's end, and that one."""
    last = next((n for n, span in enumerate(spans) if span[1] == spans[-1][1]), -1)
    return list(spans[: last + 1])
