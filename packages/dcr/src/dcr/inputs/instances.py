"""Files of responses with their documents: ours, and what people have."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.records import first_problem, read_json_lines
from tenpapers.sentences import EmptyDocumentError

from ..records import EmptyResponseError, Instance

Row = dict[str, Any]
RowT = TypeVar("RowT", bound=Instance)

# What names a row, holds its document, its response and what was asked, as people call it.
_IDS = ("id", "custom_id", "example_id", "uid", "doc_id", "prompt_id", "task_id")
_DOCUMENTS = ("document", "source", "source_doc", "article", "context", "passage", "dialogue")
_RESPONSES = (
    "response",
    "summary",
    "completion",
    "generation",
    "model_output",
    "output",
    "prediction",
    "answer",
    "generated_text",
)
_INSTRUCTIONS = ("instruction", "prompt", "question", "query", "input")
_TOPICS = ("topic", "aspect")
_REFERENCES = ("reference", "reference_summary", "target", "gold_summary")
_GOLD = ("gold", "annotations", "errors")
WANTED = (
    f"wanted: a document ({', '.join(_DOCUMENTS)}) and a response ({', '.join(_RESPONSES[:4])}, "
    "..); or `prompt` and `response`, or chat `messages`, where the prompt holds the document"
)


def read_instances(path: Path, *, limit: int | None = None) -> list[Instance]:
    """Read responses with their documents, from a JSONL file that may end in `.gz`.

    The fields may have the names that are usual for them (`source`, `summary`, `prompt`,
    `completion`, ...); chat `messages` end with the response; samples of lm-evaluation-harness are
    taken too. Where a row has no document, what was asked holds it. A row without an id is known by
    the number of its line from 0. Other fields come back in the output.

    Parameters
    ----------
    limit : read no more than the first so many.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON (file, line, reason), a row without
        document or response, two rows of one id.
    EmptyResponseError : a response without a character.
    EmptyDocumentError : a document without a word.
    """
    return _read(path, Instance, limit)


def read_rows(path: Path, kind: type[RowT], *, limit: int | None = None) -> list[RowT]:
    """Read rows that a command of ours wrote, or that are as one would: `Detected`, `Critiqued`.

    Raises
    ------
    UserError : see `read_instances`; a field is missing, or one list is longer than another.
    """
    return _read(path, kind, limit)


def instance_row(row: Mapping[str, Any], line: int) -> Row:
    """A row with our names for its fields; what it lacks is not added.

    Parameters
    ----------
    line : its number from 0, the id of a row without one.
    """
    own = dict(row)
    found: Row = {"id": _taken(own, _IDS, (str, int))}
    if found["id"] is None:
        found["id"] = str(line)
    asked, answered = _chat(own)
    document = _taken(own, _DOCUMENTS, (str,))
    response = _taken(own, _RESPONSES, (str,))
    instruction = _taken(own, _INSTRUCTIONS, (str,))
    if response is None:
        response = answered if answered is not None else _served(own.get("response"))
    if instruction is None:
        instruction = asked
    if document is None:
        document = instruction
    found |= {"document": document, "response": response, "instruction": instruction}
    found["topic"] = _taken(own, _TOPICS, (str,))
    found["reference"] = _taken(own, _REFERENCES, (str,))
    gold = _taken(own, _GOLD, (list,))
    found["gold"] = gold if gold is not None else []
    return own | {name: value for name, value in found.items() if value is not None}


def _read(path: Path, kind: type[RowT], limit: int | None) -> list[RowT]:
    rows: list[RowT] = []
    seen: set[str] = set()
    for number, value in islice(read_json_lines(path), limit):
        where = f"{path}:{number}"
        if not isinstance(value, dict):
            raise UserError(f"{where}: a row is an object", WANTED)
        given = instance_row(value, number - 1)
        _check_texts(where, given)
        try:
            row = kind.model_validate(given)
        except ValidationError as error:
            reason = first_problem(error).removeprefix("Value error, ")
            raise UserError(f"{where}: {reason}") from None
        if row.id in seen:
            raise UserError(f"{where}: id {row.id!r} stands there twice")
        seen.add(row.id)
        rows.append(row)
    if not rows:
        raise UserError(f"{path}: no records in it")
    return rows


def _check_texts(where: str, row: Row) -> None:
    for name in ("document", "response"):
        if not isinstance(row.get(name), str):
            raise UserError(f"{where}: no {name} in it", WANTED)
    if not row["response"]:
        raise EmptyResponseError(f"{where}: the response is empty", "leave the row out")
    if not row["document"].strip():
        raise EmptyDocumentError(f"{where}: the document is empty")


def _taken(row: Row, names: Sequence[str], kinds: tuple[type, ...]) -> Any:
    """The first of these fields that holds what is wanted; it leaves the row for our name of it."""
    for name in names:
        value = row.get(name)
        if isinstance(value, kinds) and not isinstance(value, bool):
            return row.pop(name)
    return None


def _chat(row: Row) -> tuple[str | None, str | None]:
    """What a user asked and a model answered, of a chat or of a harness's sample."""
    messages = row.get("messages")
    if isinstance(messages, list):
        said = [
            (turn.get("role"), turn.get("content")) for turn in messages if isinstance(turn, dict)
        ]
        texts = [(role, text) for role, text in said if isinstance(text, str)]
        answered = texts.pop()[1] if texts and texts[-1][0] == "assistant" else None
        asked = [text for role, text in texts if role == "user"]
        return (asked[-1] if asked else None), answered
    responses = row.get("filtered_resps", row.get("resps"))
    if isinstance(responses, list) and responses:
        first = responses[0]
        while isinstance(first, list) and first:
            first = first[0]
        return _harness_prompt(row.get("arguments")), first if isinstance(first, str) else None
    return None, None


def _harness_prompt(arguments: object) -> str | None:
    """The prompt of a sample of lm-evaluation-harness, in its older and newer forms."""
    if isinstance(arguments, dict):
        arguments = next(iter(arguments.values()), None)
        if isinstance(arguments, dict):
            arguments = list(arguments.values())
    while isinstance(arguments, list) and arguments:
        arguments = arguments[0]
    return arguments if isinstance(arguments, str) else None


def _served(response: object) -> str | None:
    """The text in a line of OpenAI's batch output."""
    try:
        text = response["body"]["choices"][0]["message"]["content"]  # type: ignore[index]  # any JSON
    except (LookupError, TypeError):
        return None
    return text if isinstance(text, str) else None
