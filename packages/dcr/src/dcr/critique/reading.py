"""From a critic's words to a critique."""

from ..records import Critique
from .critic import CritiqueRequest
from .written_form import locate, read_critique


def critique_of(item: CritiqueRequest, raw: str, finish_reason: str = "stop") -> Critique:
    """A critique as it can be read in the words of a critic, which are kept as they are."""
    read = read_critique(raw)
    found = locate(read.span, item.sentence) if read.span else None
    start = item.offsets[0]
    return Critique(
        sentence_idx=item.sentence_idx,
        sentence=item.sentence,
        raw=raw,
        reasoning=read.reasoning,
        span=read.span,
        span_offset=(start + found[0], start + found[1]) if found else None,
        fix=read.fix,
        verdict=read.verdict,
        finish_reason=finish_reason,
    )


def no_critique(item: CritiqueRequest, finish_reason: str, raw: str = "") -> Critique:
    """What stands for a critique that did not come, with the reason."""
    return Critique(
        sentence_idx=item.sentence_idx,
        sentence=item.sentence,
        raw=raw,
        verdict="unparsed",
        finish_reason=finish_reason,
    )
