"""Critics that are language models: of sentences, and two published ones of whole responses."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tenpapers.closing import Closing
from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..records import Critique
from .critic import CriticOptions, CritiqueRequest, in_order
from .fences import messages
from .language_model import LanguageModel
from .reading import critique_of, no_critique
from .task import LongDocumentError, check_policy, fitted, source_of

Kind = Literal["sentence", "shepherd", "ultracm"]
SHEPHERD, ULTRACM = "reciprocate/shepherd-13b", "openbmb/UltraCM-13b"


@dataclass(frozen=True)
class Decoding:
    """How a critic writes; `max_new_tokens` None takes what the options say."""

    max_new_tokens: int | None = None
    temperature: float = 0.0
    repetition_penalty: float = 1.0


# Greedy, as the paper's code; the other two as their own authors and the paper's code have them.
DECODING: dict[Kind, Decoding] = {
    "sentence": Decoding(),
    "shepherd": Decoding(max_new_tokens=126),
    "ultracm": Decoding(max_new_tokens=1024, temperature=1.0, repetition_penalty=1.2),
}


class ModelCritic(Closing):
    """A language model that criticises sentences, or (Shepherd, UltraCM) a response as a whole."""

    asks_model = True

    def __init__(
        self, model: LanguageModel, options: CriticOptions | None = None, kind: Kind = "sentence"
    ) -> None:
        self._options = options or CriticOptions()
        check_policy(self._options)
        self._model, self._kind, self._decoding = model, kind, DECODING[kind]
        self.name = model.name if kind == "sentence" else f"{kind}:{model.name}"
        self.identity: object = [model.identity, kind]
        self.whole_response = kind != "sentence"

    def stream(
        self, items: Sequence[CritiqueRequest], *, progress: str | None = None
    ) -> Iterator[tuple[CritiqueRequest, Critique]]:
        """Critiques as they are done.

        A document that is too long costs its own critique, no other one.
        """
        by_id = {item.id: item for item in items}
        requests = []
        for item in by_id.values():
            try:
                requests.append(self._request(item))
            except LongDocumentError as error:
                yield item, no_critique(item, f"error: {error}")
        for done in self._model.stream(requests, progress=progress):
            yield by_id[done.id], self._read(by_id[done.id], done)

    def critique(self, items: Sequence[CritiqueRequest]) -> list[Critique]:
        """Critiques in the order of the requests."""
        return in_order(items, self.stream(items))

    def close(self) -> None:
        """Free the model."""
        self._model.close()

    def _request(self, item: CritiqueRequest) -> Request:
        options, decoding = self._options, self._decoding
        sampling = Sampling(
            max_tokens=decoding.max_new_tokens or options.max_new_tokens,
            temperature=decoding.temperature,
            repetition_penalty=decoding.repetition_penalty,
            seed=options.seed,
        )
        instance = item.instance
        if self._kind == "shepherd":
            values = {"topic": instance.topic, "instruction": instance.instruction}
            document = fitted(instance, options)
            question = fill_section(
                "dcr", "shepherd", "question", options.prompts, document=document, **values
            )
            prompt = fill_section(
                "dcr",
                "shepherd",
                "user",
                options.prompts,
                question=question,
                response=instance.response,
            )
            return Request(id=item.id, prompt=prompt, sampling=sampling)
        asked = critique_messages(item, options, self._kind)
        return Request(id=item.id, messages=asked, sampling=sampling)

    def _read(self, item: CritiqueRequest, done: Completion) -> Critique:
        if done.failed:
            return no_critique(item, done.outcome)
        text = _shepherd_pieces(done.text) if self._kind == "shepherd" else done.text
        if done.finish_reason in ("refused", "filtered"):
            return no_critique(item, done.finish_reason, text)
        critique = critique_of(item, text, done.finish_reason)
        if self._kind == "ultracm":
            return critique.model_copy(update={"score": overall_score(text)})
        return critique


def critique_messages(
    item: CritiqueRequest, options: CriticOptions, kind: Kind = "sentence"
) -> tuple[Message, ...]:
    """What a critic is asked; all sentences of a response begin alike, the sentence comes last.

    Raises
    ------
    UserError : see `source_of`.
    """
    return messages(
        "critique" if kind == "sentence" else kind,
        options.prompts,
        source=source_of(item.instance, options),
        response=item.instance.response,
        sentence=item.sentence,
        variant=options.variant,
        parts=options.parts.split(","),
    )


def _shepherd_pieces(text: str) -> str:
    """What Shepherd says once: it goes on behind its own end of text, and repeats itself."""
    pieces = [piece.strip() for piece in text.split("</s>")]
    whole = pieces[:-1] or pieces  # the last one was cut by the limit of tokens
    return " ".join(dict.fromkeys(piece for piece in whole if piece))


def overall_score(text: str) -> int | None:
    """UltraCM's score of a response, 1 to 10; None where its words have none."""
    found = re.findall(r"overall score\W{0,20}(\d{1,2})\b(?![.,]\d)", text, re.IGNORECASE)
    score = int(found[-1]) if found else 0
    return score if 1 <= score <= 10 else None
