"""A detector by its spec."""

from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.models.minicheck import NAMES

from .bespoke import NAME as BESPOKE
from .bespoke import BespokeScorer
from .detector import BATCH_TOKENS, MIN_WORDS, THRESHOLD, Detector, Scorer
from .language_model import LanguageModelScorer
from .lexical import NAME as LEXICAL
from .lexical import LexicalDetector
from .minicheck import MiniCheckScorer

KNOWN = (*NAMES, BESPOKE, "llm:MODEL", "path:FOLDER", f"{LEXICAL}[:FILE]")


def open_detector(
    spec: str,
    *,
    threshold: float = THRESHOLD,
    min_words: int = MIN_WORDS,
    batch_tokens: int = BATCH_TOKENS,
    prompts: Path | None = None,
    cache: bool = True,
) -> Detector:
    """Open a detector; its model is loaded when it is first asked.

    Parameters
    ----------
    spec : a released MiniCheck by its name, `bespoke-minicheck-7b` (vLLM), `llm:MODEL` with any
        model spec, `path:FOLDER` with any T5 or sequence classifier, or `lexical[:FILE]`.
    threshold : a probability over this is a support.
    min_words : a sentence of fewer words counts as supported.
    batch_tokens : tokens of a model's batch, with its padding.
    prompts : the user's templates, for language models.
    cache : whether a language model's answers are kept.

    Raises
    ------
    UserError : no such detector, or its model cannot be had.
    """
    return Detector(
        _scorer(spec, prompts, cache),
        spec,
        threshold=threshold,
        min_words=min_words,
        batch_tokens=batch_tokens,
    )


def _scorer(spec: str, prompts: Path | None, cache: bool) -> Scorer:
    head = spec.partition("?")[0]
    kind, _, rest = spec.partition(":")
    if head in NAMES:
        return MiniCheckScorer(spec)
    if head == BESPOKE or kind == BESPOKE:
        return BespokeScorer(spec, folder=prompts)
    if kind == "path" and rest:
        if not Path(rest.partition("?")[0]).is_dir():
            raise UserError(f"{spec}: no such folder", "path:FOLDER, with a T5 or a classifier")
        return MiniCheckScorer(rest)
    if kind == "llm" and rest:
        return LanguageModelScorer(rest, folder=prompts, cache=cache)
    if kind == LEXICAL:
        return LexicalDetector.load(Path(rest) if rest else None)
    raise UserError(f"unknown detector {spec!r}", f"one of {', '.join(KNOWN)}")
