"""Detection of a whole file, kept row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.sentences import splitter

from ..inputs.instances import read_instances
from ..records import Detected
from .detect import detect
from .language_model import NO_ANSWER
from .open_detector import open_detector
from .settings import DetectSettings

DETECTED = "detected.jsonl"


@dataclass(frozen=True)
class DetectCounts:
    """What `detect` found.

    Parameters
    ----------
    supported : responses of which every sentence is supported.
    flagged : sentences that are not.
    failed : responses for which the detector gave no answer; the next run asks again.
    unread : responses with an answer that was neither yes nor no, refused or cut.
    """

    responses: int
    supported: int
    sentences: int
    flagged: int
    failed: int
    unread: int


def detect_file(
    settings: DetectSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> tuple[list[Detected], DetectCounts]:
    """Write `detected.jsonl` into a folder; a killed run goes on.

    Raises
    ------
    UserError : `out` holds a run of another detector, other settings or inputs; see
        `read_instances` and `open_detector`.
    """
    instances = read_instances(settings.instances, limit=settings.limit)
    with open_detector(
        settings.detector,
        threshold=settings.threshold,
        min_words=settings.min_words,
        batch_tokens=settings.batch_tokens,
        prompts=settings.prompts,
        cache=settings.cache,
    ) as detector:
        key = key_of(
            "dcr detect",
            settings,
            without=["batch_tokens", "seed"],
            detector=known_by(settings.detector, detector.identity),
            sentences=splitter(),
        )
        with Journal(
            out, key=key, inputs=files_of(settings), overwrite=overwrite, wait=wait
        ) as journal:
            with journal.rows(DETECTED) as log:
                for row in detect(log.missing(instances), detector):
                    log.write(row)
                log.close(order=[instance.id for instance in instances])
            rows = [Detected.model_validate(log.rows[instance.id]) for instance in instances]
    return rows, counts_of(rows)


def counts_of(rows: Sequence[Detected]) -> DetectCounts:
    """Count what a detector found."""
    failed = [row for row in rows if row.error.startswith(NO_ANSWER)]
    return DetectCounts(
        responses=len(rows),
        supported=sum(row.response_ok for row in rows),
        sentences=sum(len(row.labels) for row in rows),
        flagged=sum(label == 0 for row in rows for label in row.labels),
        failed=len(failed),
        unread=sum(bool(row.error) for row in rows) - len(failed),
    )
