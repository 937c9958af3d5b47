"""Files of prompts: the paper's instances, and what people have."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Instance, InstanceId, instance_id

# What holds the text of a prompt, where it is no chat.
_TEXTS = ("prompt", "question", "query", "instruction", "text")
# What names it, where `metadata.instance_id` does not.
_IDS = ("instance_id", "id", "custom_id", "question_id", "task_id", "doc_id")
_ROLES = ("system", "user", "assistant")
# A query in a prompt of a base model, as the paper's code and ours write it.
_QUERY = re.compile(r"^# Query:\n```\n(.*?)\n```\n(?=\n# (?:Answer|Summary):\n)", re.M | re.S)


def load_instances(path: Path | str) -> list[Instance]:
    """Read prompts, from a JSONL file that may end in `.gz`.

    A row has `messages`, or one text (`prompt`, `question`, `query`, `instruction` or `text`); its
    id is `metadata.instance_id`, else `id` or what names it, else the number of its line from 0.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without a prompt, an id that
        stands there twice.
    """
    path = Path(path)
    instances: list[Instance] = []
    seen: set[InstanceId] = set()
    for number, row in read_json_lines(path):
        found = instance_of(row, number - 1) if isinstance(row, dict) else None
        if found is None:
            raise UserError(
                f"{path}:{number}: no prompt in it",
                f"wanted: `messages` with a user's, or one of {', '.join(_TEXTS)}",
            )
        if found.id in seen:
            raise UserError(f"{path}:{number}: instance {found.id!r} stands there twice")
        seen.add(found.id)
        instances.append(found)
    if not instances:
        raise UserError(f"{path}: no records in it")
    return instances


def instance_of(row: Mapping[str, Any], line: int) -> Instance | None:
    """The prompt in a row; None where there is none.

    Parameters
    ----------
    line : its number from 0, the id of a row that has no other.
    """
    messages = _messages(row)
    if messages is None:
        return None
    metadata = row.get("metadata")
    known = metadata.get("instance_id") if isinstance(metadata, dict) else None
    if known is None:
        known = next((row[name] for name in _IDS if isinstance(row.get(name), int | str)), None)
    fields = {name: value for name, value in row.items() if name != "messages"}
    return Instance(instance_id(known, line), messages, fields, has_id=known is not None)


def _messages(row: Mapping[str, Any]) -> tuple[Mapping[str, str], ...] | None:
    given = row.get("messages")
    if isinstance(given, list):
        said = [
            {"role": turn["role"], "content": turn["content"]}
            for turn in given
            if isinstance(turn, dict)
            and turn.get("role") in _ROLES
            and isinstance(turn.get("content"), str)
        ]
        if len(said) != len(given):
            return None
        while said and said[-1]["role"] == "assistant":  # an answer that is there already
            said.pop()
        return tuple(said) if any(turn["role"] == "user" for turn in said) else None
    text = next((row[name] for name in _TEXTS if isinstance(row.get(name), str)), None)
    given = row.get("input")  # of an instruction, as Alpaca's rows have it
    if text is not None and "instruction" in row and isinstance(given, str) and given.strip():
        text = f"{text}\n{given}"
    return None if text is None else ({"role": "user", "content": text},)


def queries_in(prompt: str) -> list[str]:
    """The queries in a prompt of a base model, examples first; the last is the one it is about."""
    return _QUERY.findall(prompt)


def query_of(row: Mapping[str, Any]) -> str | None:
    """What a row of samples was asked; None where it does not say it.

    Of a base model's whole prompt it is the last query in it. `text` alone is a response.
    """
    fields = row if "outputs" in row else {k: v for k, v in row.items() if k != "text"}
    instance = instance_of(fields, 0)
    if instance is None:
        return None
    return [instance.query, *queries_in(instance.query)][-1]
