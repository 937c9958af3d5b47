"""Files of rows: what every command reads, and what it refuses."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from tenpapers.errors import UserError
from tenpapers.records import first_problem, read_json_lines, read_jsonl

from ..records import Candidates, Labels, Page, Passage, Query, Ranked, Training

log = logging.getLogger(__name__)
RowT = TypeVar("RowT", bound=BaseModel)
QueryT = TypeVar("QueryT", bound=Query)


def read_pages(path: Path) -> list[Page]:
    """Web pages.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a missing field.
    """
    return read_jsonl(path, Page)


def read_passages(path: Path) -> list[Passage]:
    """Windows of pages.

    Raises
    ------
    UserError : see `read_pages`; two passages of one `pid`.
    """
    passages = read_jsonl(path, Passage)
    require_distinct(path, "pid", (passage.pid for passage in passages))
    return passages


def read_queries(path: Path) -> list[Query]:
    """Claims with their subquestions.

    Raises
    ------
    UserError : see `read_pages`; two queries of one `qid`, one without claim and question.
    """
    return _checked(path, read_jsonl(path, Query))


def read_candidates(path: Path) -> list[Candidates]:
    """Queries with the passages that a first stage found; how many have none is said.

    Raises
    ------
    UserError : see `read_queries`; a query with two passages of one `pid`.
    """
    rows = _checked(path, read_jsonl(path, Candidates))
    for row in rows:
        require_distinct(path, f"{row.qid}: pid", (passage.pid for passage in row.passages))
    empty = sum(not row.passages for row in rows)
    if empty:
        log.warning("%s: %d of %d queries have no passages", path, empty, len(rows))
    return rows


def read_labels(path: Path) -> list[Labels]:
    """What one or more signals say of queries' passages.

    Raises
    ------
    UserError : see `read_pages`; two rows of one signal for a query, two judgements of one passage
        in a row.
    """
    rows = read_jsonl(path, Labels)
    for row in rows:
        require_distinct(path, f"{row.qid}: pid", (one.pid for one in row.judgements))
    require_distinct(path, "signal of a query", (f"{row.signal} of {row.qid}" for row in rows))
    return rows


def read_training(path: Path) -> list[Training]:
    """Training rows.

    Raises
    ------
    UserError : see `read_pages`; two rows of one `qid`.
    """
    rows = read_jsonl(path, Training)
    require_distinct(path, "qid", (row.qid for row in rows))
    return rows


def read_ranked(path: Path) -> list[Ranked]:
    """Rankings.

    Raises
    ------
    UserError : see `read_pages`; two rankings of one query, a passage twice in one.
    """
    rows = read_jsonl(path, Ranked)
    for row in rows:
        require_distinct(path, f"{row.qid}: pid", (one.pid for one in row.results))
    require_distinct(path, "qid", (row.qid for row in rows))
    return rows


def read_texts(path: Path) -> list[str]:
    """Texts of any rows with `text`, behind their `title` where they have one.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without `text`.
    """
    texts = []
    for number, row in read_json_lines(path):
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise UserError(f"{path}:{number}: missing field 'text'")
        texts.append(f"{row.get('title') or ''} {row['text']}".strip())
    if not texts:
        raise UserError(f"{path}: no records in it")
    return texts


def record_of(kind: type[RowT], row: Mapping[str, Any], where: str) -> RowT:
    """A row of a file as a record.

    Raises
    ------
    UserError : a field that is missing or does not fit; `where` names the row.
    """
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        raise UserError(f"{where}: {first_problem(error)}") from None


def require_distinct(path: Path, what: str, values: Iterable[object]) -> None:
    """Stop at a value that stands there twice.

    Raises
    ------
    UserError : one does; it is named.
    """
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise UserError(f"{path}: {what} {value!r} stands there twice")
        seen.add(value)


def _checked(path: Path, rows: Sequence[QueryT]) -> list[QueryT]:
    require_distinct(path, "qid", (row.qid for row in rows))
    for row in rows:
        # A question may stand alone, as those of HotpotQA do; a blank claim says nothing.
        if not (row.claim.strip() or row.question.strip()):
            raise UserError(f"{path}: query {row.qid}: its claim is empty")
    return list(rows)
