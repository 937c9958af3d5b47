"""Right sentences to put errors into, and which of them are for training."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Literal

from ..detect.words import SENTENCE_END
from ..records import Instance, Row
from .spans import spans

Split = Literal["train", "test"]

FEWEST_WORDS = 5
# Who speaks, at the beginning of a line of a dialogue.
_SPEAKER = re.compile(r"^[A-Z][\w .'()-]{0,60}: ")
# Of a hundred sources.
TEST_SHARE = 25


class BaseSentence(Row):
    """A sentence that its document supports.

    Parameters
    ----------
    id : the response's, and the number of the sentence in it.
    split : sentences of one source are all in one.
    """

    id: str
    document: str
    sentence: str
    topic: str | None = None
    split: Split


def base_sentences(instances: Iterable[Instance]) -> Iterator[BaseSentence]:
    """Sentences of at least five words of the responses in which nobody found an error.

    One that stands in two responses to one document comes once.
    """
    seen: set[tuple[str, str]] = set()
    for instance in instances:
        if any(error.is_error for error in instance.gold):
            continue
        for number, part in enumerate(SENTENCE_END.split(instance.response)):
            sentence = part.strip()
            known = (instance.document, sentence)
            if len(sentence.split()) >= FEWEST_WORDS and known not in seen:
                seen.add(known)
                yield BaseSentence(
                    id=f"{instance.id}#{number}",
                    document=instance.document,
                    sentence=sentence,
                    topic=instance.topic,
                    split=split_of(instance.document),
                )


def copied_sentences(
    instances: Iterable[Instance], every: int, seed: int = 42
) -> Iterator[BaseSentence]:
    """One sentence of every so-manieth document, as it stands: summaries copy as well.

    Parameters
    ----------
    every : 1 for a sentence of each document.
    seed : draws the sentence among those of at least five words with a number or a name.
    """
    documents = {instance.document: instance for instance in instances}
    for instance in list(documents.values())[::every]:
        parts = (_SPEAKER.sub("", part).strip() for part in SENTENCE_END.split(instance.document))
        fit = [part for part in parts if len(part.split()) >= FEWEST_WORDS and spans(part)]
        if fit:
            yield BaseSentence(
                id=f"{instance.id}#copied",
                document=instance.document,
                sentence=Random(f"{seed} {instance.id}").choice(fit),
                topic=instance.topic,
                split=split_of(instance.document),
            )


def split_of(source: str) -> Split:
    """Where a source belongs, by its own hash: adding sources moves none."""
    number = int(hashlib.sha256(source.encode(errors="replace")).hexdigest(), 16)
    return "test" if number % 100 < TEST_SHARE else "train"
