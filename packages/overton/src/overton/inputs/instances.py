"""Files of prompts: the paper's instances, and what people have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Instance, InstanceId

_TEXTS = ("prompt", "query", "question", "instruction")
_IDS = ("instance_id", "id", "custom_id", "question_id", "task_id", "doc_id")


def load_instances(path: Path) -> list[Instance]:
    """Read prompts: rows with chat `messages`, or a text in `prompt`, `query` or `question`.

    An instance is known by `metadata.instance_id`, the row's id, or the number of its line from 0.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without a prompt, an id that
        stands there twice.
    """
    found: list[Instance] = []
    seen: set[InstanceId] = set()
    for number, row in read_json_lines(path):
        messages = _messages(row) if isinstance(row, dict) else None
        if not messages:
            raise UserError(
                f"{path}:{number}: no prompt in it", f"wanted: `messages`, or {', '.join(_TEXTS)}"
            )
        name = _id(row, number - 1)
        if name in seen:
            raise UserError(f"{path}:{number}: instance {name!r} stands there twice")
        seen.add(name)
        fields = {key: value for key, value in row.items() if key != "messages"}
        found.append(Instance(name, messages, fields))
    if not found:
        raise UserError(f"{path}: no records in it")
    return found


def _messages(row: Mapping[str, Any]) -> tuple[Mapping[str, str], ...] | None:
    given = row.get("messages", row.get("prompt") if isinstance(row.get("prompt"), list) else None)
    if isinstance(given, list):
        known = all(
            isinstance(turn, dict)
            and isinstance(turn.get("role"), str)
            and isinstance(turn.get("content"), str)
            for turn in given
        )
        if known and any(turn["role"] == "user" for turn in given):
            return tuple(given)
        return None
    text = next((row[key] for key in _TEXTS if isinstance(row.get(key), str)), None)
    return None if text is None else ({"role": "user", "content": text},)


def _id(row: Mapping[str, Any], line: int) -> InstanceId:
    metadata = row.get("metadata")
    known = metadata.get("instance_id") if isinstance(metadata, dict) else None
    if known is None:
        known = next((row[key] for key in _IDS if isinstance(row.get(key), int | str)), line)
    return known if isinstance(known, int) else str(known)
