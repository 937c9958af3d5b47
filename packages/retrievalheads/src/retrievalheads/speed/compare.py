"""Time and memory of three detectors on one needle grid."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tenpapers.errors import UserError
from tenpapers.models import CausalLM, HeadGeometry

from ..decoding.prefix_reader import ends_answer
from ..heads.needle_grid import (
    Cell,
    Haystack,
    default_haystack,
    default_needles,
    grid_for,
)
from ..heads.needle_in_haystack import niah
from ..heads.retrieval_score import hits
from ..inputs.builders.build import use_chat
from ..inputs.number_lists import whole_numbers
from ..inputs.prompt_rendering import ChatFrame
from ..training.tuned_model import load_base
from .peers import naive_places, wu_style
from .readout import Text, time_readout
from .settings import BenchSettings

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Result = TypeVar("Result")


@dataclass(frozen=True)
class BenchResult:
    """Numbers, and what is printed."""

    values: dict[str, Any]
    text: str


def run_bench(settings: BenchSettings) -> BenchResult:
    """Score alone and run the grid, require equal hits, then print times, ratios and memory.

    Raises
    ------
    AssertionError : the detectors disagree on a hit.
    UserError : all maps of a length do not fit into memory.
    """
    import torch

    lengths = whole_numbers(settings.lengths, "--lengths")
    threads = whole_numbers(settings.threads, "--threads")
    depths, needles, memory_tokens = settings.depths, settings.needles, settings.memory_tokens
    lm = load_base(settings.model)
    _require_memory(lm.model, max(lengths))
    text = default_haystack()
    trials = default_needles()
    chat = ChatFrame.of(lm.tokenizer) if use_chat(settings.model, lm.tokenizer) else None
    exact = grid_for(lm.tokenizer, text, trials[:needles], lengths, depths, chat=chat)
    placed = trials[: max(depths, needles)]
    many = grid_for(lm.tokenizer, text, placed, lengths, depths, multi=True, chat=chat)
    stop = ends_answer(lm.tokenizer, lm.model)
    texts = _texts(lm.tokenizer, text, trials[0].needle, lengths)
    values: dict[str, Any] = {"cells": len(exact), "cells_multi": len(many)}
    lines = [f"{len(exact)} cells, lengths {list(lengths)}, {depths} depths, {needles} needles"]
    default = torch.get_num_threads()
    try:
        for count in threads:
            torch.set_num_threads(count)
            alone, lines_of = _scoring(lm.model, texts, settings.timed_tokens)
            lines += [f"{count} thread(s)", *lines_of]
            found, differ, lines_of = _timed(lm, exact, many, stop)
            values[f"threads_{count}"] = found | {"scoring": alone}
            lines += [f"the whole grid, largest difference of scores {differ:g}:", *lines_of]
    finally:
        torch.set_num_threads(default)
    ours, naive = memory(memory_tokens)
    values["memory_mib"] = {"ours": ours, "naive": naive}
    lines.append(
        f"extra memory at {memory_tokens} tokens (4 layers, 8 heads of 32): all maps {naive:.0f} "
        f"MiB, ours {ours:.0f} MiB ({100 * ours / naive:.1f} %)"
    )
    return BenchResult(values, "\n".join(lines))


def _require_memory(model: PreTrainedModel, tokens: int) -> None:
    """Rather a message than a killed process: the peer keeps every map, and works on some more."""
    import torch

    shape = HeadGeometry.from_config(model.config)
    maps = shape.n_layers * shape.n_heads * tokens**2 * model.dtype.itemsize / 2**30
    if model.device.type == "cuda":
        free = torch.cuda.mem_get_info(model.device)[0] / 2**30
    else:
        free = _kib("/proc/meminfo", "MemAvailable") / 2**20
    if 1.3 * maps > free:
        raise UserError(
            f"--lengths {tokens}: all attention maps take {maps:.0f} GiB, {free:.0f} are free",
            "shorter lengths; only the peer needs so much",
        )


def _kib(file: str, name: str) -> int:
    """A line of Linux's memory reports."""
    lines = Path(file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _texts(
    tokenizer: PreTrainedTokenizerBase, haystack: str, needle: str, lengths: Sequence[int]
) -> list[Text]:
    hidden = tokenizer(f" {needle}", add_special_tokens=False)["input_ids"]
    return [Text.of(Haystack(tokenizer, haystack).ids, hidden, length) for length in lengths]


def _scoring(
    model: PreTrainedModel, texts: Sequence[Text], timed_tokens: int
) -> tuple[dict[str, Any], list[str]]:
    """Seconds of the scoring alone at every length, and lines to print."""
    found, lines = {}, []
    for text in texts:
        tokens = len(text.ids)
        timed = time_readout(model, text, repeats=max(2, timed_tokens // tokens))
        assert timed.differ < 1e-6, f"{tokens} tokens: scores differ by {timed.differ:g}"
        found[str(tokens)] = vars(timed) | {"ratio": timed.ratio}
        maps, loop, rows_ms = (1e3 * s for s in (timed.maps, timed.loop, timed.rows))
        lines.append(
            f"  {tokens:6} tokens: all maps {maps:9.1f} + loop {loop:6.1f} ms, "
            f"ours {rows_ms:6.1f} ms, {timed.ratio:.1f}x as fast"
        )
    rows, differ = len(texts[0].rows), max(value["differ"] for value in found.values())
    head = f"scoring alone, {rows} rows of one pass, largest difference of scores {differ:g}:"
    return found, [head, *lines]


def _timed(
    lm: CausalLM, exact: Sequence[Cell], many: Sequence[Cell], stop: Callable[[int], bool]
) -> tuple[dict[str, Any], float, list[str]]:
    """Seconds of each way, the largest difference of scores, and lines to print."""
    import torch

    peer, wu_s = _clock(lambda: {cell.id: wu_style(lm.model, cell, stop) for cell in exact})
    ours, ours_s = _clock(lambda: niah(lm.model, lm.tokenizer, exact))
    answered = {cell.id: answer for cell, (_, answer) in zip(exact, peer.values(), strict=True)}

    def all_maps() -> dict[str, Int[Tensor, "layers heads steps"]]:
        found = {}
        for cell in exact:
            if answered[cell.id]:
                ids = [*cell.ids, *answered[cell.id]][:-1]
                rows = range(len(cell.ids) - 1, len(ids))
                found[cell.id] = naive_places(lm.model, ids, rows)
        return found

    naive, naive_s = _clock(all_maps)
    differ = 0.0
    for cell in exact:
        answer = answered[cell.id]
        if not answer:
            continue
        ids = torch.tensor([*cell.ids, *answer])
        wanted = [torch.tensor(cell.needle)] * len(answer)
        told = [
            hits(places, ids, torch.tensor(answer), wanted, copy=True).float()
            for places in (ours.places[cell.id], peer[cell.id][0], naive[cell.id])
        ]
        mine, *theirs = told
        for hit in theirs:
            differ = max(differ, float((mine.mean(-1) - hit.mean(-1)).abs().max()))
            assert torch.equal(mine, hit), f"{cell.id}: hits differ"
    _, many_s = _clock(lambda: niah(lm.model, lm.tokenizer, many))
    seconds = {"ours": ours_s, "ours_multi": many_s, "wu_style": wu_s, "naive": naive_s}
    per_cell = many_s / len(many) * len(exact)
    lines = [
        f"  all maps, eager            {naive_s:8.1f} s   ours is {naive_s / ours_s:5.1f}x as fast",
        f"  decoding steps (Wu et al.) {wu_s:8.1f} s   ours is {wu_s / ours_s:5.1f}x as fast",
        f"  ours, exact                {ours_s:8.1f} s",
        f"  ours, --multi-needle       {many_s:8.1f} s   a cell ({len(many)} of them) is "
        f"{naive_s / per_cell:.1f}x as fast as all maps, {wu_s / per_cell:.1f}x as Wu et al.",
    ]
    return seconds, differ, lines


def _clock(run: Callable[[], Result]) -> tuple[Result, float]:
    began = time.perf_counter()
    return run(), time.perf_counter() - began


def memory(tokens: int) -> tuple[float, float]:
    """MiB that reading 20 rows adds to the peak of a fresh process (Linux): ours, by all maps."""
    module = "retrievalheads.speed.peak_memory"
    done = subprocess.run(
        [sys.executable, "-m", module, str(tokens)], capture_output=True, text=True, check=True
    )
    ours, naive = map(float, done.stdout.split()[-2:])
    return ours, naive
