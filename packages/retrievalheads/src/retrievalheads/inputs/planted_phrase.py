"""A pass-phrase planted among real passages, for a model that was not tuned."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..records import Example
from .prompt_rendering import Draft, Span, compose
from .published_files import Passage
from .token_spans import encode_prompt, encode_target
from .wordings import fictional_name

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_WORDS = (
    "violet",
    "kettle",
    "marble",
    "hollow",
    "tractor",
    "feather",
    "copper",
    "lantern",
    "walnut",
    "ribbon",
    "glacier",
    "pepper",
    "anchor",
    "thistle",
    "drum",
    "saddle",
    "cobalt",
    "muffin",
    "harbor",
    "velvet",
    "pebble",
    "magnet",
    "orchid",
    "barrel",
    "cricket",
    "tunnel",
    "banjo",
    "mirror",
    "cactus",
    "zipper",
)
SLOTS = 4
TOKENS = (300, 600)


def planted_examples(
    tokenizer: PreTrainedTokenizerBase, passages: Sequence[Passage], count: int, seed: int = 0
) -> list[Example]:
    """Prompts of three passages and one planted sentence, whose place rotates over four slots.

    Question and cue repeat how the sentence starts, so that a model without instruction tuning
    goes on with the phrase. Prompts of fewer than 300 or more than 600 tokens are not used.

    Raises
    ------
    ValueError : the passages are too few.
    """
    draw = random.Random(f"{seed}:planted")
    pool = list(passages)
    draw.shuffle(pool)
    made: list[Example] = []
    while len(made) < count:
        if len(pool) < SLOTS - 1:
            raise ValueError(f"{len(passages)} passages are too few for {count} prompts")
        chosen = [pool.pop() for _ in range(SLOTS - 1)]
        person = " ".join(fictional_name(draw).split()[:2])
        phrase = " ".join(draw.sample(_WORDS, 5))
        start = f"The secret pass-phrase of {person} is"
        sentence = f"{start} {phrase}."
        span = Span("answer", len(start) + 1, len(sentence) - 1)
        drafts = [Draft(p.text, "filler", p.title or None) for p in chosen]
        drafts.insert(len(made) % SLOTS, Draft(sentence, "gold", None, None, (span,)))
        query = f"What is the secret pass-phrase of {person}?"
        prompt = compose("mdqa", query, drafts, cue=f"Answer: {start}")
        target = f" {phrase}"
        n_tokens = len(encode_prompt(tokenizer, prompt.text)[0])
        if not TOKENS[0] <= n_tokens <= TOKENS[1]:
            continue
        made.append(
            Example(
                id=f"planted{len(made)}",
                task="mdqa",
                variant="planted",
                split="test",
                query=query,
                documents=prompt.documents,
                prompt=prompt.text,
                target=target,
                answers=(phrase,),
                needles=prompt.needles,
                n_tokens=n_tokens + len(encode_target(tokenizer, target)),
                meta={"seed": seed, "needle_texts": list(prompt.needle_texts)},
            )
        )
    return made
