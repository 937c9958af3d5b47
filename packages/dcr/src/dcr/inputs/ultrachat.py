"""UltraChat: conversations that begin with a text to summarise, paraphrase or answer from."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Instance

Row = dict[str, Any]
# Words of the whole turn, and of the text in it.
TURN_WORDS, TEXT_WORDS = 150, 100
_ASKS = re.compile(
    r"\b(summari[sz]\w*|summary|paraphras\w*|rephras\w*|rewrit\w*|shorten\w*|condens\w*|"
    r"(?:based on|according to|given|from|using|in) the (?:\w+ )?"
    r"(?:text|passage|paragraph|article|document|material|context|information)\b)",
    re.IGNORECASE,
)
_WANTED = "wanted: `data` or `messages` with a user's turn and an answer, or `prompt`"


def read_ultrachat(file: Path) -> list[Instance]:
    """Read conversations and keep those whose first turn brings its own text.

    The paper's own selection is not published. Here a first turn is kept that has at least 150
    words, asks for a summary, a paraphrase or an answer from a text, and holds at least 100 words
    beside the sentences that ask. It is the instruction and the document in one; the first answer
    is the response.

    Raises
    ------
    UserError : no such file, a row that is no conversation, no row that is kept.
    """
    kept = [
        instance
        for number, row in read_json_lines(file)
        for instance in _instances(f"{file}:{number}", row, number)
    ]
    if not kept:
        raise UserError(f"{file}: no conversation begins with a text to summarise or answer from")
    return kept


def brings_a_text(turn: str) -> bool:
    """Whether a user's turn asks about a text that stands in it."""
    if len(turn.split()) < TURN_WORDS or not _ASKS.search(turn):
        return False
    parts = re.split(r"(?<=[.!?:])\s+|\n+", turn)
    return sum(len(part.split()) for part in parts if not _ASKS.search(part)) >= TEXT_WORDS


def _instances(where: str, row: Row, number: int) -> Iterator[Instance]:
    turns = _turns(row) if isinstance(row, dict) else []
    if len(turns) < 2:
        raise UserError(f"{where}: is no conversation of UltraChat", _WANTED)
    asked, answered = turns[:2]
    if brings_a_text(asked) and answered:
        name = row.get("id", row.get("prompt_id", number - 1))
        yield Instance(id=str(name), document=asked, instruction=asked, response=answered)


def _turns(row: Row) -> list[str]:
    """What user and assistant say in turn."""
    if isinstance(row.get("data"), list):
        return [turn for turn in row["data"] if isinstance(turn, str)]
    messages = row.get("messages")
    if isinstance(messages, list):
        said = [turn for turn in messages if isinstance(turn, dict)]
        return [
            str(turn.get("content") or "")
            for turn in said
            if turn.get("role") in ("user", "assistant")
        ]
    return []
