"""Wu et al.'s needle in a haystack, with one prefill for the whole grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from ..decoding.packed_branches import greedy_together, shared_length
from ..decoding.prefix_reader import PrefixReader, ends_answer
from ..decoding.row_probe import RowProbe
from ..inputs.token_spans import copyable
from ..scoring.example_rows import ExampleRows
from ..scoring.metrics import rouge1_recall
from .detect import NothingToScoreError
from .needle_grid import Cell
from .retrieval_score import Score, score
from .score_files import HeadScores

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_TOKENS = 50
SUCCESS_ROUGE = 0.5
# Tokens of the cells that are asked in one pass; more would pay for attention that is masked.
PACK = 512


@dataclass(frozen=True)
class NeedleRun:
    """What running a grid gave.

    Parameters
    ----------
    scores : over the successful trials (ROUGE-1 recall of the answer over 0.5).
    success_rate, best_rouge : of all trials.
    tokens : run through the model.
    outputs : answer of every cell.
    places : of the cells of this run, where the rows attended.
    """

    scores: HeadScores
    success_rate: float
    best_rouge: float
    tokens: int
    outputs: dict[str, str]
    places: dict[str, Int[Tensor, "layers heads steps"]]


def niah(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    grid: Sequence[Cell],
    *,
    share_kv: bool = True,
    score_kind: Score = "wu-code",
    kept: ExampleRows | None = None,
    progress: bool = False,
) -> NeedleRun:
    """Run the grid; scores of the successful trials, and what else there is to know.

    Parameters
    ----------
    share_kv : keep keys and values of the text in front of the needle from cell to cell: cells are
        visited from the deepest needle up, so that the cache only shrinks. Exact.
    kept : trials of an earlier run; this one adds to them.

    Raises
    ------
    NothingToScoreError : no trial succeeded; the message has the success rate and the best ROUGE.
    """
    import torch
    from tqdm import tqdm

    reader, stop = PrefixReader(model), ends_answer(tokenizer, model)
    kept = kept or ExampleRows()
    left = [cell for cell in grid if cell.id not in kept.rows]
    order = sorted(left, key=lambda cell: (cell.order, cell.group))
    places: dict[str, Int[Tensor, "layers heads steps"]] = {}
    with RowProbe(model) as probe:
        asked = _trials(reader, probe, order, stop, share_kv)
        bar = tqdm(asked, total=len(order), desc="needles", unit="cell", disable=not progress)
        for cell, answer, read in bar:
            places[cell.id] = read
            text = str(tokenizer.decode(answer))
            if rouge1_recall(text, cell.answer) <= SUCCESS_ROUGE:
                kept.add_scores(cell.id, skipped="not found", answer=text)
                continue
            sequence = torch.tensor(cell.ids + answer)
            needle = torch.tensor(cell.needle)
            # Wu et al. count hits over the needle, so that all steps count alike.
            every = [needle] * len(answer)
            wanted = copyable(needle, sequence, answer) if score_kind == "mean" else every
            values = score(read, sequence, torch.tensor(answer), wanted, kind=score_kind)
            uncounted = sum(len(places) == 0 for places in wanted)
            skipped = "" if values is not None else "no step can hit"
            steps = (len(answer), uncounted)
            kept.add_scores(cell.id, values, skipped=skipped, answer=text, steps=steps)
    outputs = {cell.id: str(kept.rows[cell.id]["answer"]) for cell in grid}
    best = max(rouge1_recall(outputs[cell.id], cell.answer) for cell in grid)
    per_example, ids = kept.scores([cell.id for cell in grid])
    if not ids:
        raise NothingToScoreError(
            f"no trial succeeded: success rate 0 of {len(grid)}, best ROUGE-1 recall {best:.2f}"
        )
    reasons = [str(kept.rows[cell.id]["skipped"]) for cell in grid]
    scores = HeadScores(
        model="",
        probe="copy",
        mode="niah",
        per_example=per_example,
        ids=ids,
        skipped=dict(Counter(reason for reason in reasons if reason)),
        options={"score": score_kind, "share_kv": share_kv} | kept.steps(ids),
    )
    return NeedleRun(
        scores=scores,
        success_rate=1 - reasons.count("not found") / len(grid),
        best_rouge=best,
        tokens=reader.tokens,
        outputs=outputs,
        places=places,
    )


def _trials(
    reader: PrefixReader,
    probe: RowProbe,
    order: Sequence[Cell],
    stop: Callable[[int], bool],
    share_kv: bool,
) -> Iterator[tuple[Cell, list[int], Int[Tensor, "layers heads steps"]]]:
    """Each cell, its greedy answer, and where its rows attended."""
    import torch

    # A mask of ours would take the place of a sliding window's.
    packed = share_kv and not getattr(reader.model.config, "sliding_window", None)
    for _, group in groupby(order, key=lambda cell: cell.group):
        for part in _batches(list(group)) if packed else ([cell] for cell in group):
            if len(part) > 1:
                found = greedy_together(
                    reader,
                    probe,
                    [cell.ids for cell in part],
                    [cell.draft for cell in part],
                    limit=MAX_TOKENS,
                    stop=stop,
                )
                for cell, (answer, read) in zip(part, found, strict=True):
                    yield cell, answer, read
                continue
            (cell,) = part
            if not share_kv:
                reader.forget()
            first = len(cell.ids) - 1
            probe.arm(torch.arange(first, first + MAX_TOKENS)[None])
            answer = reader.greedy(cell.ids, limit=MAX_TOKENS, stop=stop, draft=cell.draft)
            yield cell, answer, probe.collect()[0][..., : len(answer)]


def _batches(cells: list[Cell]) -> Iterator[list[Cell]]:
    """Cells that are packed into one pass; long ones one by one."""
    longest = max(len(cell.ids) + len(cell.draft) for cell in cells)
    size = max(1, PACK // (longest - shared_length([cell.ids for cell in cells])))
    for start in range(0, len(cells), size):
        yield cells[start : start + size]
