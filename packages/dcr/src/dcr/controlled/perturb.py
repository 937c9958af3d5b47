"""Put one error into a right sentence: another number or name of the same document."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from random import Random

from ..records import GoldError, Instance
from .base_sentences import BaseSentence, Split
from .spans import TextSpan, replacements, spans

# Added to a number for which the document has no other.
STEPS = (1, 2, 3, 7, 10)
LABEL = "Mis-Referencing"


class ControlledInstance(Instance):
    """A sentence as a response, with the error that was put into it, or with none.

    Parameters
    ----------
    original : the sentence as it was; equal to the response where nothing was changed.
    split : where its source belongs.
    """

    original: str
    split: Split


def perturb(rows: Iterable[BaseSentence], seed: int = 42) -> list[ControlledInstance]:
    """Give each sentence one error; what has neither number nor name that can change is left out.

    The span is drawn among the numbers and names of the sentence; in its place stands a string of
    its kind that the document has and the sentence does not, so that what is wrong is the
    reference, not the word. The gold error has the inserted text as its span and the original one
    as its fix.

    Parameters
    ----------
    seed : of the draws; each sentence has its own, so that other sentences change nothing.
    """
    drawn = (_with_error(row, seed) for row in rows)
    return [instance for instance in drawn if instance is not None]


def clean(rows: Iterable[BaseSentence]) -> list[ControlledInstance]:
    """The sentences as they are: whoever changes them does harm."""
    return [_instance(row, row.sentence, ()) for row in rows]


def _with_error(row: BaseSentence, seed: int) -> ControlledInstance | None:
    digest = hashlib.sha256(f"{seed}\n{row.id}\n{row.sentence}".encode(errors="replace")).digest()
    random = Random(digest)
    own = spans(row.sentence)
    for span in random.sample(own, len(own)):
        candidates = replacements(span, row.sentence, row.document, own=own)
        if not candidates and span.kind == "number":
            candidates = _near(span.text, row.sentence)
        if candidates:
            inserted = random.choice(candidates)
            changed = row.sentence[: span.start] + inserted + row.sentence[span.end :]
            return _instance(row, changed, [_gold(span, inserted)])
    return None


def _near(number: str, sentence: str) -> list[str]:
    """A number and a little more, written as it was."""
    digits = number.replace(",", "")
    if not re.fullmatch(r"\d+(\.\d+)?", digits):  # 9:30
        return []
    whole, point, rest = digits.partition(".")
    more = [str(int(whole) + step) for step in STEPS]
    if "," in number:
        more = [f"{int(text):,}" for text in more]
    written = [f"{text}{point}{rest}" for text in more]
    return [text for text in written if text not in sentence]


def _gold(span: TextSpan, inserted: str) -> GoldError:
    what = "The number" if span.kind == "number" else "The name"
    return GoldError(
        sentence_idx=0,
        start=span.start,
        end=span.start + len(inserted),
        span=inserted,
        label=LABEL,
        explanation=(
            f'{what} "{inserted}" does not belong here: the document says this of "{span.text}".'
        ),
        fix=span.text,
    )


def _instance(row: BaseSentence, response: str, gold: Sequence[GoldError]) -> ControlledInstance:
    return ControlledInstance(
        id=row.id if gold else f"{row.id} clean",
        document=row.document,
        response=response,
        topic=row.topic,
        gold=list(gold),
        original=row.sentence,
        split=row.split,
    )
