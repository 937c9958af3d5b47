"""A reader over a file of rankings, answer by answer, kept as they come."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.generation import open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by

from ..inputs.claims import read_asked
from ..inputs.files import read_candidates, read_ranked
from ..reading.reader import Case, Reading, read
from ..records import Passage, Query, Ranked, ReadAnswer
from ..retrieval.index_folder import IndexFolder
from .settings import AnswerSettings


@dataclass(frozen=True)
class Answered:
    """What a run of `answer` left in its file, counted.

    Parameters
    ----------
    questions : in the rankings.
    answered, not_answered : by the reader; refused, filtered and cut ones are among them.
    failed : requests without an answer, which have no row and are asked again by the next run.
    """

    questions: int
    answered: int
    not_answered: int
    refused: int
    filtered: int
    truncated: int
    failed: int


def answer(
    settings: AnswerSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Answered:
    """Read the first passages of each ranking, into `out`; what is there already is kept.

    Raises
    ------
    UserError : passages or questions that no file has; `out` holds a run of another reader, other
        settings or inputs.
    """
    cases = list(_cases(settings))
    pids = {case.id: [passage.pid for passage in case.passages] for case in cases}
    with open_generator(settings.reader, cache=settings.cache) as reader:
        known = known_by(settings.reader, reader.backend.identity)
        with Journal.of_file(
            out,
            key=key_of("cfr answer", settings, reader=known),
            inputs=files_of(settings),
            overwrite=overwrite,
            wait=wait,
        ) as journal:
            log = journal.rows(out.name, key=lambda row: str(row["qid"]))
            with log:
                for case, reading in read(
                    log.missing(cases),
                    reader,
                    folder=settings.prompts,
                    max_new_tokens=settings.max_new_tokens,
                    seed=settings.seed,
                    progress="reader",
                ):
                    if not reading.error:
                        log.write(_row(reading, pids[case.id]))
                log.close(order=list(pids))
    rows = list(log.rows.values())
    endings = Counter(row["finish_reason"] for row in rows)
    answered = sum(row["answered"] for row in rows)
    return Answered(
        questions=len(cases),
        answered=answered,
        not_answered=len(rows) - answered,
        refused=endings["refused"],
        filtered=endings["filtered"],
        truncated=endings["length"],
        failed=len(cases) - len(rows),
    )


def _row(reading: Reading, pids: Sequence[str]) -> ReadAnswer:
    return ReadAnswer.model_validate(
        {
            "qid": reading.id,
            "answer": reading.answer,
            "pids": list(pids),
            "answered": reading.answered,
            "finish_reason": reading.outcome,
            "prompt_sha256": reading.prompt_sha256,
        }
    )


def _cases(settings: AnswerSettings) -> Iterator[Case]:
    ranked = read_ranked(settings.ranked)[: settings.limit]
    if settings.candidates is not None:
        rows = {row.qid: row for row in read_candidates(settings.candidates)}
        texts = {qid: {one.pid: one for one in row.passages} for qid, row in rows.items()}
        for row in ranked:
            yield _case(row, rows.get(row.qid), texts.get(row.qid, {}).get, settings)
    elif settings.index is not None and settings.queries is not None:
        queries = {query.qid: query for query in read_asked(settings.queries)}
        index = IndexFolder(settings.index)

        def text_of(pid: str) -> Passage | None:
            place = index.row_of.get(pid)
            return None if place is None else index.passages[place]

        for row in ranked:
            yield _case(row, queries.get(row.qid), text_of, settings)
    else:
        raise UserError(
            f"{settings.ranked}: a ranking has no texts",
            "pass --candidates FILE, or --index FOLDER with --queries FILE",
        )


def _case(
    row: Ranked,
    query: Query | None,
    text_of: Callable[[str], Passage | None],
    settings: AnswerSettings,
) -> Case:
    if query is None:
        source = settings.candidates or settings.queries
        raise UserError(f"{settings.ranked}: query {row.qid}: is not in {source}")
    passages = []
    for one in sorted(row.results, key=lambda one: one.rank)[: settings.topk]:
        passage = text_of(one.pid)
        if passage is None:
            source = settings.candidates or settings.index
            raise UserError(f"{settings.ranked}: query {row.qid}: {one.pid} is not in {source}")
        passages.append(passage)
    return Case(row.qid, query.claim, query.question, passages)
