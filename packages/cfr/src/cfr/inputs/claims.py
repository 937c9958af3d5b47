"""Claims of AVeriTeC's form, and the queries that they make."""

import logging
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines

from ..records import Answer, Claim, Query
from .files import read_queries, record_of, require_distinct

log = logging.getLogger(__name__)

# What an answer stands for that is no evidence: the claim's own metadata.
METADATA = "Metadata"
_WORDS = 5  # an answer with fewer says too little to be looked for


def read_claims(path: Path) -> list[Claim]:
    """Claims, as JSON lines or as one JSON list; AVeriTeC's own files are taken as they are.

    Where no row has a `claim_id`, it is the row's number from 0.

    Raises
    ------
    UserError : missing or empty file, a row that is not a claim (named), an empty claim, two claims
        of one `claim_id`.
    """
    rows = list(object_rows(path))
    numbered = all("claim_id" not in row for _, row in rows)
    claims = []
    for number, (where, row) in enumerate(rows):
        known = {"claim_id": number, **row} if numbered else row
        claim = record_of(Claim, known, where)
        if not claim.claim.strip():
            raise UserError(f"{where}: the claim is empty")
        claims.append(claim)
    if not claims:
        raise UserError(f"{path}: no records in it")
    require_distinct(path, "claim_id", (str(claim.claim_id) for claim in claims))
    return claims


def read_asked(path: Path) -> list[Query]:
    """Queries, or claims that make them: a file of either.

    Raises
    ------
    UserError : see `read_claims` and `read_queries`.
    """
    first = next(iter(object_rows(path)), ("", {}))[1]
    is_query = "qid" in first or not ("claim_id" in first or "questions" in first)
    return read_queries(path) if is_query else queries_of(read_claims(path))


def queries_of(claims: Iterable[Claim]) -> list[Query]:
    """A query for every subquestion; a claim without any is asked alone, and they are counted.

    Right answers of a query are people's, those that could not be given left out.
    """
    queries, alone = [], 0
    for claim in claims:
        alone += not claim.questions
        if not claim.questions:
            queries.append(Query(qid=f"{claim.claim_id}:0", claim=claim.claim))
        for number, question in enumerate(claim.questions):
            queries.append(
                Query(
                    qid=f"{claim.claim_id}:{number}",
                    claim=claim.claim,
                    question=question.question,
                    answers=[answer.joined for answer in question.answers if is_answer(answer)],
                )
            )
    if alone:
        log.warning("%d claims have no questions: they are asked alone", alone)
    return queries


def is_answer(answer: Answer) -> bool:
    """Whether an answer answers: "Unanswerable" ones say that none was found."""
    return answer.answer_type != "Unanswerable"


def can_be_evidence(answer: Answer) -> bool:
    """Whether a text may be looked for that says what an answer says: it has five words or more."""
    return (
        is_answer(answer) and answer.source_url != METADATA and len(answer.joined.split()) >= _WORDS
    )


def parse_date(text: str | None) -> date | None:
    """A date as AVeriTeC writes it (`d-m-yyyy`, with or without zeros) or in ISO 8601.

    None where there is none, or one that nobody can read.
    """
    found = re.match(r"\s*(\d{1,4})-(\d{1,2})-(\d{1,4})", text or "")
    if not found:
        return None
    first, month, last = (int(part) for part in found.groups())
    year, day = (first, last) if len(found[1]) == 4 else (last, first)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def claim_key(claim: str) -> str:
    """What two writings of one claim have in common; splits go by it, never by row."""
    return " ".join(claim.lower().split())


def object_rows(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """Objects of a file, JSON lines or one list, each with the words that name it in a message.

    Raises
    ------
    UserError : a file that is not there or not JSON, a row that is no object.
    """
    if _is_list(path):
        values: Sequence[Any] = read_json(path)
        named = [(f"{path}: row {number}", value) for number, value in enumerate(values)]
    else:
        named = [(f"{path}:{number}", value) for number, value in read_json_lines(path)]
    for where, value in named:
        if not isinstance(value, dict):
            raise UserError(f"{where}: an object is wanted")
    return named


def _is_list(path: Path) -> bool:
    """Whether a file holds one JSON list rather than lines; by its first character."""
    import gzip

    if not path.is_file():
        return False
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        try:
            return stream.read(64).lstrip()[:1] == b"["
        except OSError:  # not gzip: the reader of lines says so
            return False
