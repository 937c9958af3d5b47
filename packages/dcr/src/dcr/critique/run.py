"""A critic over a file of detected responses, kept as they come."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of, known_by

from ..inputs.instances import read_rows
from ..records import Critiqued, Detected
from .critic import CriticOptions, options_of
from .open_critic import critic_identity, needs_detector, open_critic
from .settings import CritiqueSettings
from .stage import Counted, critiqued_rows, kept_rows

if TYPE_CHECKING:
    from ..detect.detector import Detector

FILE = "critiqued.jsonl"


@dataclass(frozen=True)
class CritiqueCounts:
    """What a run of `critique` left in its file, counted.

    Parameters
    ----------
    supported : responses that were shown to nobody.
    error, no_error, unparsed : critiques by what could be read in them; refused, filtered and cut
        ones are among them.
    not_detected : responses of the input that the detector did not label.
    failed : responses of which a request got no answer; they have no row.
    """

    responses: int
    supported: int
    error: int
    no_error: int
    unparsed: int
    refused: int
    filtered: int
    truncated: int
    calls: int
    not_detected: int
    failed: int


def critique_file(
    settings: CritiqueSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> tuple[CritiqueCounts, Counted]:
    """Criticise the flagged sentences of a file, into `out/critiqued.jsonl`.

    Raises
    ------
    UserError : rows that do not fit together; `out` holds a run of another critic, other settings
        or inputs; see `open_critic`.
    """
    rows = read_detected(
        settings.detected, all_sentences=settings.all_sentences, limit=settings.limit
    )
    variant = "with_correct" if settings.all_sentences else "without_correct"
    options = options_of(CriticOptions, settings, variant=variant)
    counted = Counted()
    with ExitStack() as held:
        detector = None
        if needs_detector(settings.critic):
            detector = held.enter_context(_detector(settings, rows))
        identity = critic_identity(settings.critic, detector.identity if detector else None)
        key = key_of(
            "dcr critique",
            settings,
            without=["detector"],
            critic=known_by(settings.critic, identity),
        )
        journal = held.enter_context(
            Journal.of_file(
                out / FILE, key=key, inputs=files_of(settings), overwrite=overwrite, wait=wait
            )
        )

        def criticise(missing: Sequence[Detected]) -> Iterator[Critiqued]:
            critic = open_critic(settings.critic, options, detector=detector)
            held.callback(critic.close)
            return critiqued_rows(
                missing,
                critic,
                counted,
                all_sentences=settings.all_sentences,
                progress="critiques",
            )

        made = kept_rows(journal, FILE, Critiqued, rows, criticise)
    return counts_of(made, len(rows), len(counted.undetected)), counted


def counts_of(made: Sequence[Critiqued], responses: int, not_detected: int) -> CritiqueCounts:
    """Count the critiques of rows, and the responses without a row."""
    critiques = [one for row in made for one in row.critiques]
    verdicts = Counter(one.verdict for one in critiques)
    endings = Counter(one.finish_reason for one in critiques)
    return CritiqueCounts(
        responses=responses,
        supported=sum(not row.critiques for row in made),
        error=verdicts["error"],
        no_error=verdicts["no_error"],
        unparsed=verdicts["unparsed"],
        refused=endings["refused"],
        filtered=endings["filtered"],
        truncated=endings["length"],
        calls=sum(row.calls for row in made),
        not_detected=not_detected,
        failed=responses - not_detected - len(made),
    )


def read_detected(
    file: Path, *, all_sentences: bool = False, limit: int | None = None
) -> list[Detected]:
    """Read detected responses.

    Parameters
    ----------
    all_sentences : labels are not needed, and may be missing.

    Raises
    ------
    UserError : sentences without labels; see `read_rows`.
    """
    rows = read_rows(file, Detected, limit=limit)
    for row in rows:
        if row.sentences and not (row.labels or all_sentences or row.error):
            raise UserError(f"{file}: {row.id}: its sentences have no labels", "see `dcr detect`")
    return rows


def _detector(settings: CritiqueSettings, rows: Sequence[Detected]) -> "Detector":
    """The detector that a critic looks at: the one that was named, or that of the rows."""
    from ..detect.open_detector import open_detector

    specs = {settings.detector} if settings.detector else {row.detector for row in rows}
    if len(specs) != 1:
        raise UserError(
            f"{settings.detected}: its rows are of {len(specs)} detectors", "pass --detector"
        )
    return open_detector(str(specs.pop()))
