"""Rows of a user's own, in the forms that are usual: prompts, chats, pairs, multiple choice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.records import Record, first_problem

from ..records import MultipleChoiceItem, PreferencePair, SFTExample
from .published_rows import numbered_rows

KindT = TypeVar("KindT", bound=Record)
Own = list[SFTExample] | list[PreferencePair] | list[MultipleChoiceItem]


def read_own(file: Path) -> Own:
    """Read examples, preference pairs or questions; the first row says which they are.

    An example has `prompt` and `completion`, or `messages` that end with the assistant's; a pair
    has `chosen` and `rejected`. Any of these may be a text or a list of chat messages. A question
    has `question`, `best_answer`, `correct_answers` and `incorrect_answers`. An `id` may be a
    number; without one a row is known by its line.

    Raises
    ------
    UserError : unreadable, no rows, a row that lacks something (named, with what it has instead).
    """
    first = next((row for _, row in numbered_rows(file)), None)
    named = set(first) if isinstance(first, dict) else set()
    if named >= {"chosen", "rejected"}:
        return read_as(file, PreferencePair)
    if "question" in named and not named & {"prompt", "messages"}:
        return read_as(file, MultipleChoiceItem)
    return read_as(file, SFTExample)


def read_as(file: Path, kind: type[KindT]) -> list[KindT]:
    """Read rows of one kind, see `read_own`."""
    rows = []
    for number, row in numbered_rows(file):
        where = f"{file}:{number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: a JSON object is wanted")
        try:
            rows.append(kind.model_validate(plain_form(where, row, number)))
        except ValidationError as error:
            wanted = [name for name, field in kind.model_fields.items() if field.is_required()]
            there = ", ".join(name for name in row if name not in wanted) or "nothing else"
            hint = f"rename what it is called there ({there}), or give chat `messages`"
            raise UserError(f"{where}: {first_problem(error)}", hint) from None
    if not rows:
        raise UserError(f"{file}: no records in it")
    return rows


def plain_form(where: str, row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A row with texts where it had chats: what is asked becomes `messages`.

    Raises
    ------
    UserError : messages that are none.
    """
    plain = dict(row)
    if isinstance(body := plain.pop("body", None), dict):  # a line of an OpenAI batch
        plain |= body
    name = plain.get("id", plain.pop("custom_id", None))
    plain["id"] = str(number if name is None else name)
    if isinstance(plain.get("answers"), str):
        plain["answers"] = [plain["answers"]]
    turns = plain.get("messages")
    if isinstance(plain.get("prompt"), list):
        turns = plain.pop("prompt")
    for answer in ("completion", "chosen", "rejected"):
        if isinstance(given := plain.get(answer), list):
            *before, last = _messages(where, given) or [{"content": ""}]
            plain[answer] = last["content"]
            turns = turns or before
    if turns is None:
        return plain
    asked = _messages(where, turns)
    answered = "completion" in plain or "chosen" in plain
    if asked and asked[-1]["role"] == "assistant" and not answered:
        plain["completion"] = asked.pop()["content"]
    plain["messages"] = asked
    if asked:
        plain.setdefault("prompt", asked[-1]["content"])
    return plain


def _messages(where: str, turns: object) -> list[dict[str, str]]:
    """Role and text of every turn; the text parts of one in parts."""
    found = []
    for turn in turns if isinstance(turns, list) else [turns]:
        if not isinstance(turn, dict) or "role" not in turn or "content" not in turn:
            raise UserError(f"{where}: messages: a turn has a role and content")
        content = turn["content"]
        if isinstance(content, list):
            parts = [part.get("text") for part in content if isinstance(part, dict)]
            if len(parts) < len(content) or not all(isinstance(part, str) for part in parts):
                raise UserError(f"{where}: messages: only text can be read")
            content = "".join(map(str, parts))
        found.append({"role": str(turn["role"]), "content": content})
    return found
