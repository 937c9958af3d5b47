"""Hold every sentence of a response against its document."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from ..records import Detected, EmptyResponseError, Instance
from .detector import Detector, DetectorOutput
from .words import EmptyDocumentError, Span, is_short, sentence_split

log = logging.getLogger(__name__)

# Responses that are scored together, and lost together by a kill.
TOGETHER = 256


def detect(
    instances: Iterable[Instance], detector: Detector, *, together: int = TOGETHER
) -> Iterator[Detected]:
    """Say of every sentence whether its document supports it (step 1 of the paper).

    Sentences of many responses go to the detector at once. A response is in order where all its
    sentences are. One that the detector could not answer for comes with its `error`.

    Parameters
    ----------
    together : responses whose sentences are scored at once.

    Raises
    ------
    EmptyResponseError : a response without a character.
    EmptyDocumentError : a document without a word.
    """
    for group in _batches(instances, together):
        sentences = [_sentences(instance) for instance in group]
        pairs = [
            (instance.document, span.text)
            for instance, spans in zip(group, sentences, strict=True)
            for span in spans
        ]
        found = detector.score(pairs)
        start = 0
        for instance, spans in zip(group, sentences, strict=True):
            yield _detected(instance, spans, found, start, detector)
            start += len(spans)


def label(sentence: str, prob: float, *, threshold: float, min_words: int) -> Literal[0, 1]:
    """1 where a sentence is supported: over the threshold, or too short to be wrong."""
    return 1 if prob > threshold or is_short(sentence, min_words) else 0


def _batches(instances: Iterable[Instance], size: int) -> Iterator[Sequence[Instance]]:
    left = iter(instances)
    while group := list(islice(left, size)):
        yield group


def _sentences(instance: Instance) -> list[Span]:
    if not instance.response:
        raise EmptyResponseError(f"{instance.id}: the response is empty", "leave the row out")
    if not instance.document.strip():
        raise EmptyDocumentError(f"{instance.id}: the document is empty", "leave the row out")
    spans = sentence_split(instance.response)
    if not spans:
        log.warning("%s: the response has no sentence and stays as it is", instance.id)
    return spans


def _detected(
    instance: Instance,
    spans: Sequence[Span],
    found: DetectorOutput,
    start: int,
    detector: Detector,
) -> Detected:
    numbers = range(start, start + len(spans))
    errors = [found.errors[number] for number in numbers if number in found.errors]
    probs = [] if errors else [float(found.probs[number]) for number in numbers]
    labels = [
        label(span.text, prob, threshold=detector.threshold, min_words=detector.min_words)
        for span, prob in zip(spans, probs, strict=not errors)
    ]
    told = {
        "sentences": [span.text for span in spans],
        "offsets": [(span.start, span.end) for span in spans],
        "support_prob": probs,
        "labels": labels,
        "response_ok": not errors and all(labels),
        "detector": detector.name,
        "error": errors[0] if errors else "",
    }
    return Detected.model_validate(instance.model_dump() | told)
