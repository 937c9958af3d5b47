"""Rows of training: a prompt that is read, and a completion whose every token is learnt."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tenpapers.errors import UserError
from tenpapers.generation import Request
from tenpapers.generation.encoding import encode
from tenpapers.generation.types import Message
from tenpapers.records import read_json_lines

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Label of a token that is read and not learnt.
IGNORED = -100


class Example(NamedTuple):
    """A prompt and what should follow it.

    Parameters
    ----------
    unit : what it was made from, such as its document; rows of one are never split.
    type : which model it trains; "" where the file does not say.
    """

    messages: tuple[Message, ...]
    completion: str
    unit: str
    type: str


class Tokens(NamedTuple):
    """An encoded row; labels of the prompt are -100."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Encoded:
    """Rows that fit, and how many were left out.

    Parameters
    ----------
    too_long : as many tokens as the limit, or more.
    """

    rows: list[Tokens] = field(default_factory=list)
    too_long: int = 0


def read_examples(file: Path, row_type: str, *, limit: int | None = None) -> list[Example]:
    """Read training rows of one type.

    A row has `prompt` (a text, or messages) and `completion` or `target` (a text, or a message of
    the assistant), or `messages` that end with the assistant's. Rows that name another `type` are
    passed over; rows without one are taken.

    Raises
    ------
    UserError : no row of the type (the message names those that there are), a row without prompt
        or completion.
    """
    found, others = [], Counter[str]()
    for number, row in read_json_lines(file):
        own = str(row.get("type") or "") if isinstance(row, dict) else ""
        if own and own != row_type:
            others[own] += 1
            continue
        example = _example(row, own)
        if example is None:
            raise UserError(
                f"{file}:{number}: no training row",
                "`prompt` and `completion` (texts or messages), or `messages` that end with the "
                "assistant's",
            )
        found.append(example)
    if not found:
        known = ", ".join(f"{name} ({count})" for name, count in others.items()) or "no rows"
        raise UserError(f"{file}: no row of type {row_type}", f"in it: {known}")
    return found[:limit]


def _example(row: object, row_type: str) -> Example | None:
    if not isinstance(row, dict):
        return None
    asked = _messages(row.get("prompt"))
    said = row.get("completion", row.get("target"))
    if not asked and isinstance(row.get("messages"), list):
        *asked, last = _messages(row["messages"]) or [Message(role="user", content="")]
        said = last.content if last.role == "assistant" else None
    answer = _messages(said)
    text = said if isinstance(said, str) else (answer[-1].content if answer else "")
    if not asked or not text.strip():
        return None
    return Example(tuple(asked), text.strip(), _unit(row, asked), row_type)


def _messages(value: object) -> list[Message]:
    if isinstance(value, str):
        return [Message(role="user", content=value)] if value.strip() else []
    if not isinstance(value, list):
        return []
    try:
        return [Message(role=one["role"], content=one["content"]) for one in value]
    except (TypeError, KeyError, ValueError):
        return []


def _unit(row: Mapping[str, Any], asked: Sequence[Message]) -> str:
    """The document of a row, or what else tells rows of one source."""
    for name in ("document", "source_doc", "doc_id", "source_id", "instance_id"):
        if row.get(name):
            return hashlib.sha256(str(row[name]).encode()).hexdigest()
    return hashlib.sha256(asked[-1].content.encode()).hexdigest()


def encode_example(tokenizer: PreTrainedTokenizerBase, example: Example) -> Tokens:
    """Token ids of a row, with labels for its completion alone.

    The prompt is encoded as it will be when the model is asked, so no token merges over its end;
    the completion ends as the chat template ends an answer, or with the tokenizer's EOS.

    Raises
    ------
    UserError : the chat template does not take the messages, or the prompt begins with two BOS.
    """
    prompt = encode(tokenizer, Request(id="", messages=example.messages))
    bos = tokenizer.bos_token_id
    if bos is not None and prompt[:2] == [bos, bos]:
        raise UserError("the chat template writes two BOS tokens")
    answer = tokenizer(_answer(tokenizer, example), add_special_tokens=False)["input_ids"]
    return Tokens([*prompt, *answer], [*([IGNORED] * len(prompt)), *answer])


def _answer(tokenizer: PreTrainedTokenizerBase, example: Example) -> str:
    """The completion with what ends the assistant's turn."""
    turns = [message.model_dump() for message in example.messages]
    ending = str(tokenizer.eos_token or "")
    if not tokenizer.chat_template:
        return example.completion + ending
    said = {"role": "assistant", "content": example.completion}
    whole = str(tokenizer.apply_chat_template([*turns, said], tokenize=False))
    _, found, after = whole.rpartition(example.completion)
    after = after.rstrip()
    return example.completion + (after if found and after else ending)


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, examples: Iterable[Example], max_tokens: int
) -> Encoded:
    """Encode rows; those of `max_tokens` tokens and more are left out and counted."""
    rows, too_long = [], 0
    for example in examples:
        tokens = encode_example(tokenizer, example)
        if len(tokens.input_ids) < max_tokens:
            rows.append(tokens)
        else:
            too_long += 1
    return Encoded(rows, too_long)


def split_off(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Rows to train on and rows to stop by: whole documents, about `share` of them in the second.

    Which ones does not depend on the order or number of the others.
    """
    kept: list[Example] = []
    held: list[Example] = []
    for example in examples:
        drawn = hashlib.sha256(f"{seed}|{example.unit}".encode()).digest()
        part = held if int.from_bytes(drawn[:4], "big") < share * (1 << 32) else kept
        part.append(example)
    return (kept, held) if kept else (held, [])
