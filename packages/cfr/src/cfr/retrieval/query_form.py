"""How a claim and its subquestion are written as one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ..records import Query

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QueryFormat = Literal["sep", "space", "question-first"]


def query_text(
    claim: str, question: str = "", *, form: QueryFormat = "sep", separator: str = "[SEP]"
) -> str:
    """A claim and its subquestion as one text; where one is empty, the other alone.

    Parameters
    ----------
    form : "sep" writes `claim [SEP] question`, "space" joins with a space, "question-first" writes
        `question [SEP] claim`.
    separator : the tokenizer's own; "" joins with a space.
    """
    if not (claim and question):
        return claim or question
    first, second = (question, claim) if form == "question-first" else (claim, question)
    return (
        f"{first} {second}"
        if form == "space" or not separator
        else (f"{first} {separator} {second}")
    )


def word_query(query: Query) -> str:
    """What BM25 is asked: claim and subquestion with a space between them."""
    return query_text(query.claim, query.question, form="space")


def fitted_queries(
    queries: Sequence[Query],
    tokenizer: PreTrainedTokenizerBase,
    *,
    form: QueryFormat = "sep",
    max_length: int = 128,
) -> list[str]:
    """Queries as texts of at most `max_length` tokens; where one is longer, its claim is cut.

    A subquestion is never cut: one that is too long by itself stands alone and whole.

    Parameters
    ----------
    max_length : tokens, with the special ones.
    """
    separator = tokenizer.sep_token or ""

    def text_of(claim: str, question: str) -> str:
        return query_text(claim, question, form=form, separator=separator)

    texts = [text_of(query.claim, query.question) for query in queries]
    if not texts:
        return texts
    lengths = [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]
    for row, (query, length) in enumerate(zip(queries, lengths, strict=True)):
        claim = query.claim
        while length > max_length and query.question and claim:
            claim = _without_last_tokens(claim, length - max_length, tokenizer)
            texts[row] = text_of(claim, query.question)
            length = len(tokenizer(texts[row], verbose=False)["input_ids"])
    return texts


def _without_last_tokens(text: str, count: int, tokenizer: PreTrainedTokenizerBase) -> str:
    """The text before its last `count` tokens, at least one of them gone."""
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    kept = spans[: max(0, len(spans) - max(1, count))]
    return text[: kept[-1][1]].rstrip() if kept else ""
