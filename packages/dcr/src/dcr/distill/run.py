"""The stages of distillation over files, each kept as it comes and gone on with by id."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.records import read_jsonl, write_jsonl

from ..critique.critic import CriticOptions, options_of
from ..critique.language_model import LanguageModel
from ..critique.stage import Counted, kept_rows
from ..records import Row
from ..refine.refiner import RefinerOptions
from .build import build
from .generate import initial_rows
from .label import filler_of, labelled_rows, usable
from .rows import Initial, Labelled, Revised, Source, Taught
from .settings import (
    BuildSettings,
    FeedbackSettings,
    FilterSettings,
    GenerateSettings,
    ReviseSettings,
)
from .teach import revised_rows, taught_rows

INITIAL, FILTERED, FEEDBACK = "initial.jsonl", "filtered.jsonl", "feedback.jsonl"
REVISED, TRAIN = "revised.jsonl", "train.jsonl"
RowT = TypeVar("RowT", bound=Row)


class Stage(NamedTuple):
    """What a stage left, counted, and which rows got no answer."""

    counts: dict[str, int]
    failed: dict[str, str]
    asked: int


def generate(settings: GenerateSettings, out: Path, **how: bool) -> Stage:
    """Write responses to documents, into `out/initial.jsonl`.

    Raises
    ------
    UserError : `out` holds a run of another model, other settings or inputs.
    """
    sources = _read(settings.sources, Source, settings.limit)
    known = {"model": known_by(settings.model, LanguageModel.identity_of(settings.model))}
    counted = Counted()
    with ExitStack() as held:
        journal = _journal(held, "generate", settings, out / INITIAL, known, how)

        def respond(missing: Sequence[Source]) -> Iterator[Initial]:
            model = held.enter_context(LanguageModel.open(settings.model, cache=settings.cache))
            return initial_rows(missing, model, settings, counted, progress="responses")

        rows = kept_rows(journal, INITIAL, Initial, sources, respond)
    counts = {"sources": len(sources), "responses": sum(not row.dropped for row in rows)}
    return _stage(counts, Counter(row.dropped for row in rows), counted, len(sources))


def filter_(settings: FilterSettings, out: Path, **how: bool) -> Stage:
    """Leave out what is no use, mark filler and label sentences, into `out/filtered.jsonl`.

    Raises
    ------
    UserError : `out` holds a run of another detector, other settings or inputs.
    """
    from ..detect.detect import detect
    from ..detect.open_detector import open_detector

    everything = _read(settings.initial, Initial, settings.limit)
    kept = usable(everything)
    filler = filler_of(kept.rows)
    with ExitStack() as held:
        detector = open_detector(settings.detector)
        held.callback(detector.close)
        known = {"detector": known_by(settings.detector, detector.identity)}
        journal = _journal(held, "filter", settings, out / FILTERED, known, how)

        def label(missing: Sequence[Initial]) -> Iterator[Labelled]:
            return labelled_rows(missing, filler, lambda rows: detect(rows, detector))

        rows = kept_rows(journal, FILTERED, Labelled, kept.rows, label)
    counts = {
        "responses": len(everything),
        "labelled": len(rows),
        "factual": sum(row.summary_factual for row in rows),
        "sentences": sum(len(row.sentences) for row in rows),
        "filler": sum(len(row.all_sentences) - len(row.sentences) for row in rows),
    }
    return _stage(counts, kept.dropped, Counted(), len(kept.rows))


def feedback(settings: FeedbackSettings, out: Path, **how: bool) -> Stage:
    """Have a teacher find the errors of responses that are not factual.

    Raises
    ------
    UserError : `out` holds a run of another teacher, other settings or inputs.
    """
    given = _read(settings.filtered, Labelled, settings.limit)
    known = {"teacher": known_by(settings.teacher, LanguageModel.identity_of(settings.teacher))}
    counted = Counted()
    with ExitStack() as held:
        journal = _journal(held, "feedback", settings, out / FEEDBACK, known, how)

        def teach(missing: Sequence[Labelled]) -> Iterator[Taught]:
            teacher = held.enter_context(LanguageModel.open(settings.teacher, cache=settings.cache))
            return taught_rows(missing, teacher, settings, counted, progress="feedback")

        rows = kept_rows(journal, FEEDBACK, Taught, given, teach)
    endings = Counter(row.teacher_finish_reason for row in rows)
    counts = {
        "responses": len(given),
        "factual": sum(row.summary_factual for row in rows),
        "errors": sum(len(row.teacher_errors) for row in rows),
        "asked twice": sum(row.teacher_attempts > 1 for row in rows),
        "unparsed": sum(row.teacher_unparsed for row in rows),
        "refused": endings["refused"],
        "filtered": endings["filtered"],
        "truncated": endings["length"],
    }
    return _stage(counts, {}, counted, sum(not row.summary_factual for row in given))


def revise(settings: ReviseSettings, out: Path, **how: bool) -> Stage:
    """Have a teacher refine responses by its feedback.

    Raises
    ------
    UserError : `out` holds a run of another teacher, other settings or inputs.
    """
    given = _read(settings.feedback, Taught, settings.limit)
    known = {"teacher": known_by(settings.teacher, LanguageModel.identity_of(settings.teacher))}
    counted = Counted()
    with ExitStack() as held:
        journal = _journal(held, "revise", settings, out / REVISED, known, how)

        def refine(missing: Sequence[Taught]) -> Iterator[Revised]:
            teacher = held.enter_context(LanguageModel.open(settings.teacher, cache=settings.cache))
            return revised_rows(missing, teacher, settings, counted, progress="refinements")

        rows = kept_rows(journal, REVISED, Revised, given, refine)
    counts = {
        "responses": len(given),
        "with errors": sum(bool(row.teacher_errors) for row in given),
        "refined": sum(row.refinement is not None for row in rows),
    }
    rejected = Counter(row.refinement_rejection for row in rows)
    return _stage(counts, rejected, counted, counts["with errors"])


def build_file(settings: BuildSettings, out: Path, **how: bool) -> Stage:
    """Make training rows of all types, into `out/train.jsonl`.

    Raises
    ------
    UserError : `out` holds a run of other settings or inputs; see `source_of`.
    """
    rows = _read(settings.revised, Revised, settings.limit)
    built = build(rows, options_of(CriticOptions, settings), options_of(RefinerOptions, settings))
    with ExitStack() as held:
        journal = _journal(held, "build", settings, out / TRAIN, {}, how)
        write_jsonl(journal.file(TRAIN), built.rows)
    types = Counter(row["type"] for row in built.rows)
    return _stage({"responses": len(rows), **types}, built.dropped, Counted(), len(rows))


def _journal(
    held: ExitStack,
    stage: str,
    settings: object,
    file: Path,
    known: Mapping[str, Any],
    how: Mapping[str, bool],
) -> Journal:
    key = key_of(f"dcr distill {stage}", settings, **known)
    journal = Journal.of_file(
        file,
        key=key,
        inputs=files_of(settings),
        overwrite=how.get("overwrite", False),
        wait=how.get("wait", False),
    )
    return held.enter_context(journal)


def _read(file: Path, kind: type[RowT], limit: int | None) -> list[RowT]:
    """Rows whose ids differ.

    Raises
    ------
    UserError : two rows have one id; see `read_jsonl`.
    """
    rows = read_jsonl(file, kind)
    counts = Counter(str(row.id) for row in rows)  # type: ignore[attr-defined]
    name, count = counts.most_common(1)[0]
    if count > 1:
        raise UserError(f"{file}: {count} rows have the id {name}")
    return rows[:limit]


def _stage(
    counts: Mapping[str, int], dropped: Mapping[str, int], counted: Counted, asked: int
) -> Stage:
    reasons: Iterable[tuple[str, int]] = ((name, n) for name, n in dropped.items() if name)
    whole = dict(counts) | {f"dropped: {name}": count for name, count in sorted(reasons)}
    return Stage(whole | {"failed": len(counted.failed)}, counted.failed, asked)
