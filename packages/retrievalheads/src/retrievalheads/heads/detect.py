"""Which heads retrieve: read the rows that write the answer, in every layer and head at once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tenpapers.errors import UserError

from ..decoding.answers import MAX_TOKENS
from ..decoding.prefix_reader import PASS, PrefixReader, ends_answer, whole_cache
from ..decoding.row_probe import RowProbe
from ..inputs.token_spans import (
    NeedleChoice,
    UnmappedNeedleError,
    encode_prompt,
    encode_target,
    token_spans,
)
from ..records import Example, TokenizedExample
from ..scoring.example_rows import ExampleRows
from ..scoring.metrics import citation, f1
from .retrieval_score import Score, score
from .score_files import HeadScores
from .settings import Mode, Probe

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SUCCESS_F1 = 0.5


class NothingToScoreError(UserError):
    """No example could be used; the reasons are in the message."""


def detect(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    probe: Probe = "copy",
    mode: Mode = "teacher",
    batch_size: int = 1,
    *,
    needles: NeedleChoice = "last-hop",
    score_kind: Score = "mean",
    ignore_first: int = 0,
    kept: ExampleRows | None = None,
    progress: bool = False,
) -> HeadScores:
    """Retrieval scores of all heads: how often each attends to the evidence that is written.

    Parameters
    ----------
    model, tokenizer : as transformers has them; the model may carry a peft adapter.
    probe : "copy" (the attended token is needle and is what is written), or "insight" (SummHay: the
        row attends into the insight of the document whose number is being written).
    mode : "teacher" reads the rows of the target; "generate" those of the model's own greedy
        answer, and uses only examples that it answers (F1 over 0.5; citations: F1 over 0).
    batch_size : examples a pass, padded on the right; 1 shares prefixes instead.
    needles : MuSiQue: spans of the last hop, or of all.
    score_kind : see `retrieval_score.score`.
    ignore_first : leading tokens whose attention counts as nowhere (analysis of sinks).
    kept : what an earlier run has scored; this one adds to it.

    Raises
    ------
    NothingToScoreError : no example was used.
    ValueError : the insight probe on a task without insights.
    """
    import torch

    if probe == "insight" and any(example.task != "summhay" for example in examples):
        raise ValueError("the insight probe needs SummHay examples")
    kept = kept or ExampleRows()
    left = [example for example in examples if example.id not in kept.rows]
    coded: list[TokenizedExample] = []
    answered = _answered(model, tokenizer, left, mode=mode, kept=kept, progress=progress)
    for example, reply in answered:
        try:
            spans = token_spans(example, tokenizer, answer=reply, needles=needles)
        except UnmappedNeedleError as error:
            kept.add_scores(example.id, skipped=str(error))
            continue
        if probe == "insight":
            spans = replace(spans, targets=spans.insight or [])
        coded.append(spans)
    _warn_of_windows(model, coded)
    for spans, places in read_rows(model, coded, batch_size, progress=progress):
        if ignore_first:
            places = torch.where(places < ignore_first, -2, places)
        answer = spans.input_ids[spans.n_prompt :]
        values = score(
            places, spans.input_ids, answer, spans.targets, copy=probe == "copy", kind=score_kind
        )
        uncounted = sum(len(wanted) == 0 for wanted in spans.targets)
        kept.add_scores(
            spans.id,
            values,
            skipped="" if values is not None else "no step can hit",
            steps=(len(answer), uncounted),
        )
    per_example, ids = kept.scores([example.id for example in examples])
    reasons = [str(kept.rows[example.id]["skipped"]) for example in examples]
    skipped = dict(Counter(reason for reason in reasons if reason))
    if not ids:
        raise NothingToScoreError(f"no example can be scored: {skipped}")
    return HeadScores(
        model="",
        probe=probe,
        mode=mode,
        per_example=per_example,
        ids=ids,
        skipped=skipped,
        options={"needles": needles, "score": score_kind, "ignore_first": ignore_first}
        | kept.steps(ids),
    )


def _warn_of_windows(model: PreTrainedModel, coded: Sequence[TokenizedExample]) -> None:
    """Say it when a sliding window hides a needle from the answer: its scores would be 0."""
    window = getattr(model.config, "sliding_window", None)
    distances = [
        spans.n_prompt - int(wanted[0])
        for spans in coded
        for wanted in spans.targets
        if len(wanted)
    ]
    farthest = max(distances, default=0)
    if window and farthest > window:
        logging.getLogger(__name__).warning(
            "a needle is %d tokens away, the model's sliding window has %d: heads cannot see it",
            farthest,
            window,
        )


def _answered(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    *,
    mode: Mode,
    kept: ExampleRows,
    progress: bool,
) -> Iterator[tuple[Example, list[int] | None]]:
    """Examples with the answer whose rows are read: None for the target."""
    if mode == "teacher":
        yield from ((example, None) for example in examples)
        return
    from tqdm import tqdm

    reader, stop = PrefixReader(model), ends_answer(tokenizer, model)
    for example in tqdm(examples, desc="answers", unit="ex", disable=not progress):
        ids, _ = encode_prompt(tokenizer, example.prompt)
        draft = encode_target(tokenizer, example.target)
        answer = reader.greedy(ids, limit=MAX_TOKENS[example.task], stop=stop, draft=draft)
        if succeeds(example, str(tokenizer.decode(answer))):
            yield example, answer
        else:
            kept.add_scores(example.id, skipped="not answered")


def succeeds(example: Example, answer: str) -> bool:
    """Whether an answer counts as a success of its task."""
    if example.task == "summhay":
        gold = {int(number) for number in example.answers}
        return citation(answer, gold, len(example.documents)).f1 > 0
    return f1(answer, example.answers) > SUCCESS_F1


def read_rows(
    model: PreTrainedModel,
    examples: Sequence[TokenizedExample],
    batch_size: int = 1,
    *,
    progress: bool = False,
) -> Iterator[tuple[TokenizedExample, Int[Tensor, "layers heads steps"]]]:
    """Every example with the places that its answer rows attend to.

    Parameters
    ----------
    batch_size : over 1, examples of similar length are padded on the right and run together; else
        one after the other, sharing prefixes.
    """
    import torch
    from tqdm import tqdm

    bar = tqdm(total=len(examples), desc="heads", unit="ex", disable=not progress)
    with bar, RowProbe(model) as probe, torch.inference_mode():
        if batch_size <= 1:
            reader = PrefixReader(model)
            # In the order of their tokens, prompts that begin alike are neighbours.
            for example in sorted(examples, key=lambda example: example.input_ids.tolist()):
                probe.arm(example.answer_rows[None])
                # The last answer token writes nothing that is read.
                reader.read(example.input_ids[:-1].tolist(), rows=len(example.answer_rows))
                yield example, probe.collect()[0]
                bar.update()
            return
        ordered = sorted(examples, key=lambda example: len(example.input_ids))
        for start in range(0, len(ordered), batch_size):
            batch = ordered[start : start + batch_size]
            for example, places in zip(batch, _read_batch(model, probe, batch), strict=True):
                yield example, places[..., : len(example.answer_rows)]
                bar.update()


def _read_batch(
    model: PreTrainedModel, probe: RowProbe, batch: Sequence[TokenizedExample]
) -> Int[Tensor, "batch layers heads steps"]:
    """Rows of examples that are padded on the right.

    No row before the padding sees it, so causal attention needs no mask of n x n places; and where
    a sliding window does, a pass has at most `PASS` rows.
    """
    from torch.nn.utils.rnn import pad_sequence

    ids = pad_sequence([example.input_ids for example in batch], batch_first=True)
    answer_rows = [example.answer_rows for example in batch]
    probe.arm(pad_sequence(answer_rows, batch_first=True, padding_value=-1))
    cache = whole_cache()
    for block in ids.to(model.device).split(PASS, dim=1):
        model(block, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return probe.collect()
