"""Bespoke-MiniCheck-7B through vLLM: how probable "yes" is as the next token."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import first_line
from tenpapers.generation.vllm import VLLMBackend
from tenpapers.models.spec import parse_spec
from tenpapers.sentences import sentence_split, split_document

from .detector import BATCH_TOKENS, DetectorOutput
from .language_model import NO_ANSWER, question

if TYPE_CHECKING:
    from vllm import RequestOutput
    from vllm.v1.engine.async_llm import AsyncLLM

NAME = "bespoke-minicheck-7b"
# Its tokenizer comes with code of its own, which vLLM runs where this allows it.
HUB = "bespokelabs/Bespoke-MiniCheck-7B?trust_remote_code=true"
# Tokens of the context that are kept for the claim and the question.
RESERVED = 300
TOP = 5

# Log-probabilities (nats) of the most probable next tokens, or why there are none.
NextTokens = Mapping[str, float] | str


def yes_probability(tokens: Mapping[str, float]) -> float:
    """Sum of the probabilities of the tokens that are "yes" but for their case.

    Parameters
    ----------
    tokens : log-probabilities in nats of the five most probable next tokens.
    """
    return min(1.0, sum(math.exp(value) for text, value in tokens.items() if text.lower() == "yes"))


class BespokeScorer:
    """Asks with each chunk of the document; the best chunk counts, and of a claim's sentences the
    worst.

    Parameters
    ----------
    name : the detector's, or `bespoke-minicheck-7b:ID` with any other model; vLLM's options stand
        behind a `?`.
    folder : the user's templates; the wording of the model's own training can stand there.
    backend : that has the model; None makes it.
    """

    def __init__(
        self, name: str = NAME, *, folder: Path | None = None, backend: VLLMBackend | None = None
    ) -> None:
        head, _, options = name.partition("?")
        place = head.removeprefix(NAME).removeprefix(":") or HUB
        spec = f"vllm:{place}"
        if options:
            spec += f"{'&' if '?' in spec else '?'}{options}"
        self._backend = backend or VLLMBackend(parse_spec(spec))
        self._folder = folder
        self._numbers = count()

    @property
    def identity(self) -> object:
        """The model and what it is asked."""
        asked = [message.content for message in question("{document}", "{claim}", self._folder)]
        return [self._backend.identity, asked]

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_tokens: int = BATCH_TOKENS
    ) -> DetectorOutput:
        """P(supported) of pairs of a document and a claim."""
        if not pairs:
            return DetectorOutput.of_chunks([])
        engine, _ = self._backend.start()
        chunk_tokens = max(1, engine.model_config.max_model_len - RESERVED)
        tokenizer = engine.get_tokenizer()

        def size(text: str) -> int:
            return len(tokenizer.encode(text, add_special_tokens=False))

        chunks = {
            document: split_document(document, chunk_tokens, size=size)
            for document in dict.fromkeys(document for document, _ in pairs)
        }
        parts = {
            claim: [span.text for span in sentence_split(claim)] or [claim] for _, claim in pairs
        }
        asked = dict.fromkeys(
            (chunk, part)
            for document, claim in pairs
            for part in parts[claim]
            for chunk in chunks[document]
        )
        answers = dict(zip(asked, self._next_tokens(list(asked)), strict=True))
        by_part = [
            [[answers[chunk, part] for chunk in chunks[document]] for part in parts[claim]]
            for document, claim in pairs
        ]
        return output_of(by_part)

    def _next_tokens(self, asked: Sequence[tuple[str, str]]) -> list[NextTokens]:
        """What the model would say first to each question, all in one batch."""
        from vllm import SamplingParams
        from vllm.exceptions import VLLMError
        from vllm.sampling_params import RequestOutputKind

        engine, background = self._backend.start()
        tokenizer = engine.get_tokenizer()
        params = SamplingParams(
            temperature=0, max_tokens=1, logprobs=TOP, output_kind=RequestOutputKind.FINAL_ONLY
        )

        async def ask(chunk: str, part: str) -> NextTokens:
            chat = [message.model_dump() for message in question(chunk, part, self._folder)]
            text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            ids = tokenizer.encode(str(text), add_special_tokens=False)
            try:
                return _top_tokens(await _run(engine, ids, params, next(self._numbers)))
            except (VLLMError, ValueError) as error:
                return f"{NO_ANSWER}: {first_line(error)}"

        async def ask_all() -> list[NextTokens]:
            return await asyncio.gather(*(ask(*one) for one in asked))

        return background.run(ask_all()) or []

    def close(self) -> None:
        """Stop the engine."""
        self._backend.close()


def output_of(answers: Sequence[Sequence[Sequence[NextTokens]]]) -> DetectorOutput:
    """Probabilities of claims: of each the best chunk of its worst sentence.

    Parameters
    ----------
    answers : of each claim, of each of its sentences, of each chunk of the document.
    """
    errors: dict[int, str] = {}
    found = []
    for number, by_part in enumerate(answers):
        told = [one for some in by_part for one in some if isinstance(one, str)]
        if told:
            errors[number] = told[0]
            found.append(np.array([np.nan], dtype=np.float32))
            continue
        probs = [
            [yes_probability(one) for one in some if not isinstance(one, str)] for some in by_part
        ]
        found.append(np.array(min(probs, key=max), dtype=np.float32))
    return DetectorOutput.of_chunks(found, errors)


async def _run(engine: AsyncLLM, ids: list[int], params: object, number: int) -> RequestOutput:
    prompt = {"prompt_token_ids": ids}
    outputs = engine.generate(prompt, params, f"{NAME} {number}")  # type: ignore[arg-type]  # typed dicts
    return [output async for output in outputs][-1]


def _top_tokens(output: RequestOutput) -> dict[str, float]:
    """Log-probabilities by text; two tokens that look alike count together."""
    steps = output.outputs[0].logprobs
    found: dict[str, float] = {}
    for token in (steps[0] if steps else {}).values():
        text = token.decoded_token or ""
        found[text] = float(np.logaddexp(found.get(text, -np.inf), token.logprob))
    return found
