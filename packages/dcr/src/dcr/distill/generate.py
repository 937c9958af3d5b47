"""Initial responses: what a model writes that is then criticised (DCR, training data)."""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.sentences import sentence_split

from ..critique.fences import messages
from ..critique.language_model import LanguageModel
from ..critique.stage import Counted
from .rows import Initial, Source, is_ultrachat
from .settings import GenerateSettings

# How often a response is drawn again, and from how many sentences on it is one that runs on.
REDRAWS, SENTENCES = 3, 20


def initial_rows(
    sources: Sequence[Source],
    model: LanguageModel,
    settings: GenerateSettings,
    counted: Counted,
    *,
    progress: str | None = None,
) -> Iterator[Initial]:
    """Responses to documents, as they are done; one that runs on is drawn again, three times."""
    by_id = {f"{source.id}|initial": source for source in sources}
    requests = [_request(name, source, settings) for name, source in by_id.items()]
    for done, tries in model.attempts(
        requests, lambda done: not why_dropped(done), tries=1 + REDRAWS, progress=progress
    ):
        source = by_id[done.id]
        if done.failed:
            counted.failed[source.id] = f"model: {done.outcome}"
        else:
            yield _row(source, done.text.strip(), tries, why_dropped(done))


def why_dropped(done: Completion) -> str:
    """Why a response is no use for training; "" where it is."""
    if done.finish_reason in ("refused", "filtered"):
        return done.finish_reason
    if not done.text.strip():
        return "empty"
    if is_degenerate(done.text):
        return "degenerate"
    return "truncated" if done.finish_reason == "length" else ""


def is_degenerate(text: str) -> bool:
    """Whether a response runs on, or holds characters that no text has."""
    strange = any(
        one == "\ufffd"
        or (unicodedata.category(one) in ("Cc", "Co", "Cn", "Cs") and one not in "\n\r\t")
        for one in text
    )
    return strange or len(sentence_split(text)) > SENTENCES


def _request(name: str, source: Source, settings: GenerateSettings) -> Request:
    sampling = Sampling(
        max_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        seed=settings.seed,
    )
    return Request(id=name, messages=response_messages(source, settings.prompts), sampling=sampling)


def response_messages(source: Source, prompts: Path | None = None) -> tuple[Message, ...]:
    """What a model is asked for: a summary on a topic, or just what the instruction says."""
    if is_ultrachat(source):
        return (Message(role="user", content=str(source.instruction)),)
    return messages("initial", prompts, document=source.document, topic=source.topic)


def _row(source: Source, text: str, draws: int, dropped: str) -> Initial:
    told = {"response": text, "draws": draws, "dropped": dropped}
    return Initial.model_validate(dict(source) | told)
