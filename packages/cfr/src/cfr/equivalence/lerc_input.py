"""What LERC reads: context, question, right answer and candidate as one sequence of word pieces."""

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..records import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

LONGEST = 512
# [CLS] context [SEP] question [SEP] reference [SEP] candidate [SEP]
SPECIAL = 5


class LercRow(Row):
    """An answer to be compared with a right one, as MOCHA's rows are.

    Parameters
    ----------
    score : a person's, 1 to 5; None where nobody judged it.
    """

    context: str
    question: str
    reference: str
    candidate: str
    score: float | None = None

    @property
    def quadruple(self) -> tuple[str, str, str, str]:
        """What is compared."""
        return self.context, self.question, self.reference, self.candidate


class LercInput(NamedTuple):
    """Word pieces and, for each, whether it belongs to the answers (1) or to what they answer."""

    ids: list[int]
    segments: list[int]


def lay_out(
    context: Sequence[int],
    question: Sequence[int],
    reference: Sequence[int],
    candidate: Sequence[int],
    *,
    cls: int,
    sep: int,
    longest: int = LONGEST,
) -> LercInput:
    """Join the four parts; what is too long loses the end of its context (MOCHA, LERC's reader).

    Where the other three alone are too long, the context is left out and the candidate is cut, then
    the reference, then the question.
    """
    room = longest - SPECIAL
    kept = []
    for part in (question, reference, candidate, context):  # the first loses last
        kept.append(list(part[: max(0, room)]))
        room -= len(kept[-1])
    question, reference, candidate, context = kept
    asked = [cls, *context, sep, *question, sep]
    answers = [*reference, sep, *candidate, sep]
    return LercInput([*asked, *answers], [0] * len(asked) + [1] * len(answers))


def inputs_of(
    tokenizer: "PreTrainedTokenizerBase", rows: Iterable[LercRow], longest: int = LONGEST
) -> list[LercInput]:
    """Cut rows into word pieces and lay them out; says how many lost part of an answer."""
    quadruples = [row.quadruple for row in rows]
    texts = sorted({text for one in quadruples for text in one})
    pieces = dict(zip(texts, _pieces(tokenizer, texts), strict=True))
    made, cut = [], 0
    for quadruple in quadruples:
        context, question, reference, candidate = (pieces[text] for text in quadruple)
        cut += len(question) + len(reference) + len(candidate) + SPECIAL > longest
        made.append(
            lay_out(
                context,
                question,
                reference,
                candidate,
                cls=tokenizer.cls_token_id,
                sep=tokenizer.sep_token_id,
                longest=longest,
            )
        )
    if cut:
        log.warning(
            "LERC: %d answers are longer than %d word pieces with their question, and were cut",
            cut,
            longest,
        )
    return made


def _pieces(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[list[int]]:
    if not texts:
        return []
    # Silent about its own limit: the layout keeps to ours.
    made = tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
    return [list(ids) for ids in made["input_ids"]]
