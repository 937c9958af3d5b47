"""A language model as a detector: is the claim supported, yes or no?"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tenpapers.errors import UserError
from tenpapers.generation import Generator, Request, Sampling, open_generator
from tenpapers.generation.types import Message
from tenpapers.models import load_tokenizer, parse_spec
from tenpapers.sentences import split_document
from tenpapers.templates import fill_section

from .detector import BATCH_TOKENS, DetectorOutput

# Enough for a word and some markup around it.
ANSWER_TOKENS = 16
ANSWERS = ("Yes", "No")
# How the error of a call begins that got no answer at all; others could not be read.
NO_ANSWER = "error"

# Markup and words before the answer itself.
_ANSWER = re.compile(r"(?i)\b(yes|no)\b")
_CLOSING = re.compile(r"(?i)\b(?:final )?answer\b[^a-z\n]*\b(yes|no)\b")


def question(document: str, claim: str, folder: Path | None = None) -> tuple[Message, ...]:
    """What a model is asked; the claim stands last, so that claims of a document share the rest.

    Parameters
    ----------
    folder : the user's templates.
    """
    system = fill_section("dcr", "detect", "system", folder)
    asked = fill_section("dcr", "detect", "question", folder, document=document, claim=claim)
    return Message(role="system", content=system), Message(role="user", content=asked)


def read_answer(text: str) -> bool | None:
    """Whether a model says yes; None where it says neither, or both without a last word.

    "Answer: No" counts wherever it stands; else the answer is the first word of the text, or the
    only one of the two in it.
    """
    closing = _CLOSING.findall(text)
    if closing:
        return bool(closing[-1].lower() == "yes")
    said = [word.lower() for word in _ANSWER.findall(text)]
    first = re.match(r"(?i)[\s*_\"'`(\[#>-]*(yes|no)\b", text)
    if first:
        return first[1].lower() == "yes"
    return said[0] == "yes" if len(set(said)) == 1 else None


class LanguageModelScorer:
    """Asks for each sentence with the whole document.

    A model whose probabilities can be seen (`hf:`, `vllm:`) gives P(Yes) / (P(Yes) + P(No)) as the
    first word of its answer; what others say is 1 or 0.

    Parameters
    ----------
    spec : of the model.
    folder : the user's templates.
    """

    def __init__(self, spec: str, *, folder: Path | None = None, cache: bool = True) -> None:
        self._spec, self._folder = parse_spec(spec), folder
        self._model: Generator = open_generator(spec, cache=cache)

    @property
    def identity(self) -> object:
        """The model and what it is asked."""
        asked = [message.content for message in question("{document}", "{claim}", self._folder)]
        return [self._model.backend.identity, asked]

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_tokens: int = BATCH_TOKENS
    ) -> DetectorOutput:
        """P(supported) of pairs; a call that failed or cannot be read is an error of its pair."""
        for document in dict.fromkeys(document for document, _ in pairs):
            split_document(document, 1)  # an empty one is told
        seen = self._seen if self._spec.backend in ("hf", "vllm") else self._said
        answers = seen(list(dict.fromkeys(pairs)))
        found = [answers[pair] for pair in pairs]
        errors = {n: told for n, told in enumerate(found) if isinstance(told, str)}
        probs = [[np.nan if isinstance(told, str) else told] for told in found]
        return DetectorOutput.of_chunks([np.array(one, dtype=np.float32) for one in probs], errors)

    def _seen(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float | str]:
        """By the probabilities of the two answers."""
        tokenizer = load_tokenizer(str(self._spec)) if pairs else None
        answers: dict[tuple[str, str], float | str] = {}
        for pair in pairs:
            messages = [message.model_dump() for message in question(*pair, self._folder)]
            assert tokenizer is not None
            if tokenizer.chat_template is None:
                prompt = "\n\n".join(message["content"] for message in messages) + "\n"
            else:
                prompt = str(
                    tokenizer.apply_chat_template(
                        messages,
                        tokenize=False,
                        add_generation_prompt=True,
                        **self._spec.template_options,
                    )
                )
            try:
                yes, no = (score.total for score in self._model.score(prompt, ANSWERS))
            except UserError as error:
                answers[pair] = f"{NO_ANSWER}: {error.message}"
            else:
                answers[pair] = 1 / (1 + math.exp(min(no - yes, 700)))
        return answers

    def _said(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float | str]:
        """By what is answered."""
        sampling = Sampling(max_tokens=ANSWER_TOKENS)
        requests = [
            Request(id=str(n), messages=question(*pair, self._folder), sampling=sampling)
            for n, pair in enumerate(pairs)
        ]
        answers: dict[tuple[str, str], float | str] = {}
        done = self._model.generate(requests, progress="detect")
        for pair, completion in zip(pairs, done, strict=True):
            yes = None if completion.failed else read_answer(completion.text)
            if yes is None:
                read = completion.finish_reason == "stop"
                answers[pair] = "neither yes nor no" if read else completion.outcome
            else:
                answers[pair] = float(yes)
        return answers

    def close(self) -> None:
        """Free the model."""
        self._model.close()
