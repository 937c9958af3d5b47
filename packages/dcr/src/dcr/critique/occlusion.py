"""A critic without a language model: it takes words out and looks what the detector says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tenpapers.closing import Closing

from ..controlled.spans import TextSpan, replacements, spans
from ..records import Critique
from .critic import CriticOptions, CritiqueRequest, in_order
from .reading import no_critique
from .written_form import NO_ERROR, replace_span, write_critique

if TYPE_CHECKING:
    from ..detect.detector import Detector

NAME = "occlusion"
# Raised when the same sentence would get another critique.
VERSION = 1
# Sentences whose variants are scored together.
TOGETHER = 32


class Occlusion(Closing):
    """Names the number or name without which a sentence is supported best.

    The span whose deletion raises the probability most is the error; its fix is the number or name
    of the document that raises it most in its place, if it then is higher than before; else the
    span is to go. Where no deletion raises it there is no error.
    """

    name = NAME
    whole_response = False
    asks_model = False

    def __init__(self, detector: "Detector", options: CriticOptions | None = None) -> None:
        self._detector = detector
        self._parts = (options or CriticOptions()).parts.split(",")
        self.identity: object = [NAME, VERSION, detector.identity]

    def stream(
        self, items: Sequence[CritiqueRequest], *, progress: str | None = None
    ) -> Iterator[tuple[CritiqueRequest, Critique]]:
        """Critiques in the order of the requests."""
        for start in range(0, len(items), TOGETHER):
            group = items[start : start + TOGETHER]
            yield from zip(group, self._critiques(group), strict=True)

    def critique(self, items: Sequence[CritiqueRequest]) -> list[Critique]:
        """Critiques in the order of the requests."""
        return in_order(items, self.stream(items))

    def close(self) -> None:
        """The detector belongs to whoever gave it."""

    def _critiques(self, items: Sequence[CritiqueRequest]) -> list[Critique]:
        cases = [_Case(item, _removable(item.sentence)) for item in items]
        shortened = [
            (case, [case.sentence, *(case.with_(span, "") for span in case.spans)])
            for case in cases
        ]
        for case, probs in self._probabilities(shortened):
            case.prob, without = float(probs[0]), probs[1:]
            case.answered = not np.isnan(probs).any()
            best = _best(without, case.prob)
            if best is not None:
                case.span, case.prob_without = case.spans[best], float(without[best])
        replaced = []
        for case in cases:
            if case.span is not None:
                case.fixes = replacements(case.span, case.sentence, case.item.instance.document)
                replaced.append((case, [case.with_(case.span, fix) for fix in case.fixes]))
        for case, probs in self._probabilities(replaced):
            case.answered &= not np.isnan(probs).any()
            best = _best(probs, case.prob)
            case.fix = "" if best is None else case.fixes[best]
        return [self._critique(case) for case in cases]

    def _probabilities(
        self, asked: Sequence[tuple["_Case", Sequence[str]]]
    ) -> Iterator[tuple["_Case", np.ndarray]]:
        """P(supported) of several claims about each case's document, in one call."""
        pairs = [(case.item.instance.document, claim) for case, claims in asked for claim in claims]
        probs = np.asarray(self._detector.score(pairs).probs) if pairs else np.empty(0)
        start = 0
        for case, claims in asked:
            yield case, probs[start : start + len(claims)]
            start += len(claims)

    def _critique(self, case: "_Case") -> Critique:
        if not case.answered:
            return no_critique(case.item, "error: the detector gave no answer")
        given: dict[str, Any] = {"sentence_idx": case.item.sentence_idx, "sentence": case.sentence}
        if case.span is None:
            reasoning = "No number or name is better left out."
            raw = f"{reasoning} {NO_ERROR.capitalize()}."
            return Critique(**given, raw=raw, reasoning=reasoning, verdict="no_error")
        reasoning = ""
        if "reason" in self._parts:
            reasoning = (
                "The document supports the sentence better without these words: with probability "
                f"{case.prob_without:.2f} instead of {case.prob:.2f}."
            )
        advised = case.fix if "fix" in self._parts else None
        start = case.item.offsets[0]
        return Critique(
            **given,
            raw=write_critique(reasoning, case.span.text, advised),
            reasoning=reasoning,
            span=case.span.text,
            span_offset=(start + case.span.start, start + case.span.end),
            fix=advised,
            verdict="error",
        )


@dataclass
class _Case:
    """A sentence, and what came out about it.

    Parameters
    ----------
    spans : what may be taken out of it.
    prob, prob_without : P(supported) of the sentence as it is, and without `span`.
    span : the one that is better left out, None for none.
    """

    item: CritiqueRequest
    spans: Sequence[TextSpan]
    prob: float = 0.0
    prob_without: float = 0.0
    span: TextSpan | None = None
    fixes: Sequence[str] = ()
    fix: str = ""
    answered: bool = True

    @property
    def sentence(self) -> str:
        """What is criticised."""
        return self.item.sentence

    def with_(self, span: TextSpan, fix: str) -> str:
        """The sentence with something else in place of a span."""
        return replace_span(self.sentence, (span.start, span.end), fix)


def _removable(sentence: str) -> list[TextSpan]:
    """Numbers and names without which something is left of a sentence."""
    return [
        one
        for one in spans(sentence)
        if any(map(str.isalnum, sentence[: one.start] + sentence[one.end :]))
    ]


def _best(probs: np.ndarray, over: float) -> int | None:
    """The highest probability, the first of equals; None if none is over the given one."""
    if not len(probs) or not probs.max() > over:
        return None
    return int(probs.argmax())
