"""Which heads retrieve: read the rows that write the answer, in every layer and head at once."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from tenpapers.errors import UserError

from ..decoding.prefix_reader import PrefixReader, ends_answer
from ..decoding.row_probe import RowProbe
from ..inputs.token_spans import (
    NeedleChoice,
    UnmappedNeedleError,
    encode_prompt,
    encode_target,
    token_spans,
)
from ..records import Example, TokenizedExample
from ..scoring.metrics import citation, f1
from ..study.resuming import Kept
from .retrieval_score import Score, score
from .score_files import HeadScores

Probe = Literal["copy", "insight"]
Mode = Literal["teacher", "generate"]
MAX_TOKENS = {"mdqa": 32, "musique": 32, "summhay": 64}
SUCCESS_F1 = 0.5


class NothingToScoreError(UserError):
    """No example could be used; the reasons are in the message."""


def detect(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    probe: Probe = "copy",
    mode: Mode = "teacher",
    batch_size: int = 1,
    *,
    needles: NeedleChoice = "last-hop",
    score_kind: Score = "mean",
    ignore_first: int = 0,
    kept: Kept | None = None,
    progress: bool = False,
) -> HeadScores:
    """Retrieval scores of all heads (section 3.5).

    Parameters
    ----------
    model, tokenizer : as transformers has them; the model may carry a peft adapter.
    probe : "copy" (the attended token is needle and is what is written), or "insight" (SummHay: the
        row attends into the insight of the document whose number is being written).
    mode : "teacher" reads the rows of the target; "generate" those of the model's own greedy
        answer, and uses only examples that it answers (F1 over 0.5; citations: F1 over 0).
    batch_size : examples a pass, padded on the right; 1 shares prefixes instead.
    needles : MuSiQue: spans of the last hop, or of all.
    score_kind : see `scoring.score`.
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
    kept = kept or Kept()
    left = [example for example in examples if example.id not in kept.known]
    coded: list[TokenizedExample] = []
    for example, reply in _answered(model, tokenizer, left, mode, kept, progress):
        try:
            one = token_spans(example, tokenizer, answer=reply, needles=needles)
        except UnmappedNeedleError as error:
            kept.add(example.id, skipped=str(error))
            continue
        if probe == "insight":
            one = replace(one, targets=one.insight or [])
        coded.append(one)
    _warn_of_windows(model, coded)
    for one, places in read_rows(model, coded, batch_size, progress=progress):
        if ignore_first:
            places = torch.where(places < ignore_first, -2, places)
        answer = one.input_ids[one.n_prompt :]
        values = score(
            places, one.input_ids, answer, one.targets, copy=probe == "copy", kind=score_kind
        )
        kept.add(one.id, values, skipped="" if values is not None else "no step counts")
    per_example, ids = kept.scores([example.id for example in examples])
    reasons = [kept.known[example.id].skipped for example in examples]
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
        options={"needles": needles, "score": score_kind, "ignore_first": ignore_first},
    )


def _warn_of_windows(model: Any, coded: Sequence[TokenizedExample]) -> None:
    """Say it when a sliding window hides a needle from the answer: its scores would be 0."""
    window = getattr(model.config, "sliding_window", None)
    distances = [
        one.n_prompt - int(wanted[0]) for one in coded for wanted in one.targets if len(wanted)
    ]
    farthest = max(distances, default=0)
    if window and farthest > window:
        logging.getLogger(__name__).warning(
            "a needle is %d tokens away, the model's sliding window has %d: heads cannot see it",
            farthest,
            window,
        )


def _answered(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    mode: Mode,
    kept: Kept,
    progress: bool,
) -> Iterator[tuple[Example, Any]]:
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
        if succeeds(example, tokenizer.decode(answer)):
            yield example, answer
        else:
            kept.add(example.id, skipped="not answered")


def succeeds(example: Example, answer: str) -> bool:
    """Whether an answer counts as a success of its task."""
    if example.task == "summhay":
        gold = {int(number) for number in example.answers}
        return citation(answer, gold, len(example.documents)).f1 > 0
    return f1(answer, example.answers) > SUCCESS_F1


def read_rows(
    model: Any,
    examples: Sequence[TokenizedExample],
    batch_size: int = 1,
    *,
    progress: bool = False,
) -> Iterator[tuple[TokenizedExample, Any]]:
    """Attended places of the answer rows: IntTensor[L, H, T] of every example.

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
            for one in sorted(examples, key=lambda one: one.input_ids.tolist()):
                probe.arm(one.answer_rows[None])
                # The last answer token writes nothing that is read.
                reader.read(one.input_ids[:-1].tolist(), rows=len(one.answer_rows))
                yield one, probe.collect()[0]
                bar.update()
            return
        ordered = sorted(examples, key=lambda one: len(one.input_ids))
        for start in range(0, len(ordered), batch_size):
            batch = ordered[start : start + batch_size]
            for one, places in zip(batch, _read_batch(model, probe, batch), strict=True):
                yield one, places[..., : len(one.answer_rows)]
                bar.update()


def _read_batch(model: Any, probe: RowProbe, batch: Sequence[TokenizedExample]) -> Any:
    import torch
    from torch.nn.utils.rnn import pad_sequence

    ids = pad_sequence([one.input_ids for one in batch], batch_first=True)
    seen = pad_sequence([torch.ones_like(one.input_ids) for one in batch], batch_first=True)
    rows = pad_sequence([one.answer_rows for one in batch], batch_first=True, padding_value=-1)
    probe.arm(rows)
    model(
        ids.to(model.device),
        attention_mask=seen.to(model.device),
        use_cache=False,
        logits_to_keep=1,
    )
    return probe.collect()
