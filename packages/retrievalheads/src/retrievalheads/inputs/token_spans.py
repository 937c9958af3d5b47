"""From character spans to token places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ..records import Example, Needle, TokenizedExample

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

NeedleChoice = Literal["last-hop", "all-hops"]


class UnmappedNeedleError(ValueError):
    """An example that cannot be scored: its needle has no token, or its answer none."""


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, prompt: str
) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids of a prompt and the characters [start, end) of each; special tokens are added once.

    Raises
    ------
    UnmappedNeedleError : the tokenizer gives no offsets.
    """
    if not tokenizer.is_fast:
        raise UnmappedNeedleError(
            "the tokenizer gives no character offsets (a fast tokenizer is wanted)"
        )
    begins = bool(tokenizer.bos_token) and prompt.startswith(tokenizer.bos_token)
    coded = tokenizer(prompt, add_special_tokens=not begins, return_offsets_mapping=True)
    return list(coded["input_ids"]), list(coded["offset_mapping"])


def encode_target(tokenizer: PreTrainedTokenizerBase, target: str) -> list[int]:
    """Ids of an answer, tokenised apart from the prompt so that nothing merges at the border.

    A tokenizer that puts a blank in front of every text (Llama 2's as a plain fast one) gets the
    target without its own, or there would be two.
    """
    if target.startswith(" ") and _adds_blank(tokenizer):
        target = target[1:]
    return list(tokenizer(target, add_special_tokens=False)["input_ids"])


def _adds_blank(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether normalising adds a blank even to a text that begins with one."""
    normaliser = tokenizer.backend_tokenizer.normalizer if tokenizer.is_fast else None
    return normaliser is not None and str(normaliser.normalize_str(" x")).startswith("\u2581" * 2)


def places_of(offsets: Sequence[tuple[int, int]], start: int, end: int) -> list[int]:
    """Tokens that share a character with [start, end)."""
    return [i for i, (a, b) in enumerate(offsets) if a < end and b > start]


def token_spans(
    example: Example,
    tokenizer: PreTrainedTokenizerBase,
    *,
    answer: str | Sequence[int] | None = None,
    needles: NeedleChoice = "last-hop",
) -> TokenizedExample:
    """Tokens of an example, its answer rows and the places that count as retrieval.

    Parameters
    ----------
    answer : what follows the prompt, as text or tokens; None is the target.
    needles : MuSiQue: answer spans only, or also those of the bridging hops.

    Raises
    ------
    UnmappedNeedleError : no needle of the probe's kind covers a token, or the answer has no token.
    """
    import torch

    ids, offsets = encode_prompt(tokenizer, example.prompt)
    answer = example.target if answer is None else answer
    reply = encode_target(tokenizer, answer) if isinstance(answer, str) else list(answer)
    if not reply:
        raise UnmappedNeedleError("empty answer")
    kinds = {"doc_id"} if example.task == "summhay" else {"answer"}
    if needles == "all-hops":
        kinds.add("bridge")
    chosen = [needle for needle in example.needles if needle.kind in kinds]
    copy = sorted({p for n in chosen for p in places_of(offsets, n.start, n.end)})
    if not copy:
        raise UnmappedNeedleError("needle maps to no token")
    rows = torch.arange(len(ids) - 1, len(ids) - 1 + len(reply))
    places = torch.tensor(copy)
    insight = None
    if example.task == "summhay":
        insight = _insight_targets(example.needles, tokenizer, reply, offsets)
    return TokenizedExample(
        id=example.id,
        input_ids=torch.tensor(ids + reply),
        n_prompt=len(ids),
        answer_rows=rows,
        targets=copyable(places, torch.tensor(ids), reply),
        insight=insight,
    )


def copyable(
    places: Int[Tensor, " places"], ids: Int[Tensor, " n"], reply: Sequence[int]
) -> list[Int[Tensor, " places"]]:
    """For each token of an answer the places of the evidence, or none where the evidence lacks it.

    A target begins with a blank that its span may not have, or has brackets around a number: a step
    that no head can hit says nothing about heads.
    """
    import torch

    there = set(ids[places].tolist())
    return [places if token in there else torch.empty(0, dtype=torch.long) for token in reply]


def _insight_targets(
    needles: Sequence[Needle],
    tokenizer: PreTrainedTokenizerBase,
    reply: list[int],
    offsets: Sequence[tuple[int, int]],
) -> list[Int[Tensor, " places"]]:
    """For each step that writes a digit of an id: the insight's tokens in that document."""
    import re

    import torch

    spans: dict[int, set[int]] = {}
    for needle in needles:
        if needle.kind == "insight":
            spans.setdefault(needle.doc_id, set()).update(
                places_of(offsets, needle.start, needle.end)
            )
    # Characters that every answer token adds, found by decoding longer and longer starts.
    ends = [len(tokenizer.decode(reply[: i + 1])) for i in range(len(reply))]
    text = str(tokenizer.decode(reply))
    wanted = [torch.empty(0, dtype=torch.long)] * len(reply)
    for bracket in re.finditer(r"\[([0-9, ]+)\]", text):
        for number in re.finditer(r"\d+", bracket[1]):
            start = bracket.start(1) + number.start()
            stop = bracket.start(1) + number.end()
            places = torch.tensor(sorted(spans.get(int(number[0]), ())), dtype=torch.long)
            for step, end in enumerate(ends):
                begin = ends[step - 1] if step else 0
                if begin < stop and end > start:
                    wanted[step] = places
    return wanted
