"""QMSum: questions about meetings, the turns that answer them, and people's summaries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Instance

Row = dict[str, Any]
# Words of an excerpt.
SHORTEST, LONGEST = 40, 600
_WANTED = "wanted: qmsum_excerpts.jsonl.gz of `dcr data fetch`, or val.jsonl of Yale-LILY/QMSum"


def read_qmsum(file: Path) -> list[Instance]:
    """Read excerpts; a person's summary is both the response and the reference.

    Raises
    ------
    UserError : no such file, a row that is not QMSum's.
    """
    return [_instance(where, row) for where, row in _rows(file)]


def published_rows(file: Path) -> Iterator[Row]:
    """Excerpts of a published file: each specific question with its turns, where they are short."""
    for number, meeting in read_json_lines(file):
        yield from _excerpts(f"{file.name.split('.')[0]}_{number - 1}", meeting)


def _excerpts(name: str, meeting: Row) -> Iterator[Row]:
    turns = [f"{turn['speaker']}: {turn['content']}" for turn in meeting["meeting_transcripts"]]
    for number, query in enumerate(meeting["specific_query_list"]):
        spans = [(int(first), int(last)) for first, last in query["relevant_text_span"]]
        places = sorted({place for first, last in spans for place in range(first, last + 1)})
        document = "\n".join(turns[place] for place in places if place < len(turns))
        words = len(document.split())
        if SHORTEST <= words <= LONGEST:
            yield {
                "id": f"{name}_{number}",
                "topic": query["query"],
                "document": document,
                "reference_summary": query["answer"],
                "n_words": words,
            }


def _rows(file: Path) -> Iterator[tuple[str, Row]]:
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: is no row of QMSum", _WANTED)
        if "meeting_transcripts" in row:
            try:
                excerpts = list(_excerpts(f"{file.name.split('.')[0]}_{number - 1}", row))
            except (KeyError, TypeError, ValueError) as error:
                raise UserError(f"{where}: is no meeting of QMSum: {error}", _WANTED) from None
            yield from ((where, excerpt) for excerpt in excerpts)
        else:
            yield where, row


def _instance(where: str, row: Row) -> Instance:
    known = {"id", "topic", "document", "reference_summary"}
    if not known <= row.keys():
        raise UserError(f"{where}: is no row of QMSum", _WANTED)
    summary = row["reference_summary"]
    more = {name: value for name, value in row.items() if name not in known}
    return Instance(
        id=row["id"],
        document=row["document"],
        topic=row["topic"],
        response=summary,
        reference=summary,
        **more,
    )
