"""How good critiques are, held against the errors that people or a perturbation put down."""

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ..records import WHOLE_RESPONSE, Critique, Critiqued, GoldError, Offsets

_WORD = re.compile(r"\w+")
_AROUND = string.punctuation + string.whitespace + "“”‘’"


class Case(NamedTuple):
    """A sentence with what is known and said of it.

    Parameters
    ----------
    gold : its errors.
    flagged : whether the detector calls it inconsistent.
    critique : what the critic says of it, None where it was not asked.
    """

    offsets: Offsets
    gold: Sequence[GoldError]
    flagged: bool
    critique: Critique | None


@dataclass(frozen=True)
class Detection:
    """Sentences told apart; positive is inconsistent. None where a ratio has no denominator."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    precision: float | None
    recall: float | None
    f1: float | None
    balanced_accuracy: float | None


@dataclass(frozen=True)
class Quality:
    """Measures of critiques (DCR, evaluation of feedback).

    Parameters
    ----------
    detector : of the labels that the rows came with, over all sentences.
    critic : of the critic's own verdicts, over sentences that it was asked about and could be read.
    critiques : how many there are; of them `no_error` deny an error, `unparsed` say nothing that
        can be read, and the critic was cut (`truncated`), declined (`refused`), was held back
        (`filtered`) or gave no answer (`failed`) in so many that are unparsed.
    on_error : critiques of sentences that hold a gold error.
    no_error_rate : share of `on_error` that claim there is none.
    unlocated : spans that do not stand in the response.
    spans, span_hit, span_f1 : critiques with a span, of sentences whose gold error has one; the
        share that overlaps a gold span in a character; mean word F1 with the best gold span.
    fixes, fix_accuracy : critiques with a fix, of sentences whose gold error has one; the share
        that is the gold fix but for case, blanks and punctuation around it.
    """

    sentences: int
    detector: Detection
    critic: Detection
    critiques: int
    no_error: int
    unparsed: int
    truncated: int
    refused: int
    filtered: int
    failed: int
    on_error: int
    no_error_rate: float | None
    unlocated: int
    spans: int
    span_hit: float | None
    span_f1: float | None
    fixes: int
    fix_accuracy: float | None

    def row(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)


def critique_quality(cases: Sequence[Case]) -> Quality:
    """Measure critiques against gold errors, sentence by sentence."""
    asked = [(case, case.critique) for case in cases if case.critique is not None]
    said = [(case, critique) for case, critique in asked if critique.verdict != "unparsed"]
    on_error = [critique for case, critique in asked if case.gold]
    denied = sum(critique.verdict == "no_error" for critique in on_error)
    located = [
        (critique.span_offset, critique.span, [gold for gold in case.gold if _place(gold)])
        for case, critique in said
        if critique.verdict == "error" and critique.span
    ]
    with_gold = [found for found in located if found[2]]
    hits = [
        offset is not None and any(_overlap(offset, _place(error)) for error in gold)
        for offset, _, gold in with_gold
    ]
    alike = [
        max(word_f1(span or "", error.span or "") for error in gold) for _, span, gold in with_gold
    ]
    fixes = list(_fixes(said))
    return Quality(
        sentences=len(cases),
        detector=detection((bool(case.gold), case.flagged) for case in cases),
        critic=detection((bool(case.gold), c.verdict == "error") for case, c in said),
        critiques=len(asked),
        no_error=sum(critique.verdict == "no_error" for _, critique in asked),
        unparsed=len(asked) - len(said),
        **_endings(critique for _, critique in asked if critique.verdict == "unparsed"),
        on_error=len(on_error),
        no_error_rate=_ratio(denied, len(on_error)),
        unlocated=sum(offset is None for offset, _, _ in located),
        spans=len(with_gold),
        span_hit=_ratio(sum(hits), len(hits)),
        span_f1=_ratio(sum(alike), len(alike)),
        fixes=len(fixes),
        fix_accuracy=_ratio(sum(fixes), len(fixes)),
    )


def cases_of(row: Critiqued, gold: Sequence[GoldError]) -> list[Case]:
    """The sentences of a response with their gold errors and critiques.

    Remarks that are about no error do not count. An error belongs to the sentences that its span
    overlaps; one without a place to the sentence that it names, or in which its words stand. A
    critique of the whole response is about the sentence in which its span stands.
    """
    cases = []
    labels = row.labels or [1] * len(row.sentences)  # where nobody detected, nothing is flagged
    for number, (sentence, (start, end), label) in enumerate(
        zip(row.sentences, row.offsets, labels, strict=True)
    ):
        offsets = start, end
        errors = [e for e in gold if e.is_error and _belongs(e, number, offsets, sentence)]
        said = [one for one in row.critiques if _is_about(one, number, offsets)]
        cases.append(Case(offsets, errors, label == 0, said[0] if said else None))
    return cases


def detection(pairs: Iterable[tuple[bool, bool]]) -> Detection:
    """Precision, recall, F1 and balanced accuracy of (gold, predicted) pairs."""
    counts = Counter(pairs)
    hit, alarm = counts[True, True], counts[False, True]
    miss, quiet = counts[True, False], counts[False, False]
    recall, clean = _ratio(hit, hit + miss), _ratio(quiet, quiet + alarm)
    balanced = (recall + clean) / 2 if recall is not None and clean is not None else None
    return Detection(
        hit,
        alarm,
        miss,
        quiet,
        precision=_ratio(hit, hit + alarm),
        recall=recall,
        f1=_ratio(2 * hit, 2 * hit + alarm + miss),
        balanced_accuracy=balanced,
    )


def word_f1(predicted: str, gold: str) -> float:
    """F1 of two spans as bags of lower-cased words."""
    a, b = (Counter(_WORD.findall(text.lower())) for text in (predicted, gold))
    common = (a & b).total()
    return 2 * common / (a.total() + b.total()) if common else 0.0


def same_fix(fix: str, gold: str) -> bool:
    """Whether two fixes are one but for case, blanks, and punctuation around them."""
    return _plain(fix) == _plain(gold)


def _endings(unparsed: Iterable[Critique]) -> dict[str, int]:
    ended = Counter(critique.finish_reason.partition(":")[0] for critique in unparsed)
    names = {"truncated": "length", "refused": "refused", "filtered": "filtered", "failed": "error"}
    return {name: ended[words] for name, words in names.items()}


def _fixes(said: Iterable[tuple[Case, Critique]]) -> Iterator[bool]:
    for case, critique in said:
        gold = [error.fix for error in case.gold if error.fix is not None]
        if critique.verdict == "error" and critique.fix is not None and gold:
            yield any(same_fix(critique.fix, fix) for fix in gold)


def _belongs(error: GoldError, number: int, offsets: Offsets, sentence: str) -> bool:
    place = _place(error)
    if place:
        return _overlap(place, offsets)
    if error.sentence_idx is not None:
        return error.sentence_idx == number
    return bool(error.span) and _plain(error.span or "") in _plain(sentence)


def _is_about(critique: Critique, number: int, offsets: Offsets) -> bool:
    if critique.sentence_idx == WHOLE_RESPONSE:
        return _overlap(offsets, critique.span_offset)
    return critique.sentence_idx == number


def _place(error: GoldError) -> Offsets | None:
    if error.start is None or error.end is None:
        return None
    return error.start, error.end


def _overlap(a: Offsets, b: Offsets | None) -> bool:
    return b is not None and max(a[0], b[0]) < min(a[1], b[1])


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(_AROUND)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
