"""Content sourcing, step two: which documents become demonstrations, and which become inputs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from tenpapers.errors import UserError

from ..inputs.task import Task
from ..records import IclRow, InputRow, Retrieved
from .retrieve import quantile_window
from .shorten import Shortened, shortened

Mode = Literal["retricl", "non-retricl"]
Window = tuple[float, float]

ICL_RANKS = (1, 2)
ICL_RANGE: Window = (0.5, 0.9)
RANGE: Window = (0.4, 0.9)
CONTEXT_TOKENS = (20, 400)


@dataclass
class PoolReport:
    """What was kept and why the rest was dropped, counts by label.

    Parameters
    ----------
    dropped : reason -> label -> count. Reasons: `short` (fewer than the least tokens), `similarity`
        (outside the window), `rank` (kept for the other pool or beyond the ranks).
    hard_cut : contexts that end within a sentence.
    shared_documents : documents that are inputs of more than one label (legal: both stay).
    shortfall : rows that were asked for and are not there, by label.
    """

    icl: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)
    hard_cut: int = 0
    shared_documents: int = 0
    shortfall: dict[str, int] = field(default_factory=dict)
    windows: dict[str, Any] = field(default_factory=dict)


def build_inputs(
    retrieved: Sequence[Retrieved],
    task: Task,
    mode: Mode,
    icl_ranks: Sequence[int] = ICL_RANKS,
    icl_range: Window = ICL_RANGE,
    range_: Window = RANGE,
    ranks: Iterable[int] = range(1, 51),
    context_tokens: tuple[int, int] = CONTEXT_TOKENS,
    *,
    tokenizer: Any,
    shots: int = 0,
    per_label: int | None = None,
    strict: bool = False,
    seed: int = 42,
) -> tuple[list[IclRow], list[InputRow], PoolReport]:
    """Demonstrations and inputs from what the seeds fetched (spec 3.4).

    RetrICL: a seed's nearest documents (`icl_ranks`, within `icl_range`) become demonstrations
    with the seed's text as the answer; the other ranks within `range_` become inputs of the
    seed's label. Non-RetrICL: every seed's text is a demonstration without a document, and all
    ranks may become inputs. Windows are closed and apply to cosines alone: BM25 has the rank
    windows only, a random retriever has none.

    Parameters
    ----------
    context_tokens : tokens a context has at least and at most, by the teacher's `tokenizer`.
    shots : demonstrations that a prompt will need.
    per_label : inputs that are drawn for each label; None keeps all.
    strict : fewer inputs than `per_label` are an error instead of a count in the report.

    Raises
    ------
    UserError : a label without verbalizer; RetrICL over random documents; a pool smaller than
        `shots`; no document of a label within the window.
    """
    metric = retrieved[0].results[0].metric if retrieved and retrieved[0].results else "cosine"
    if metric == "random" and mode == "retricl":
        raise UserError("random documents do not fit RetrICL", "--mode non-retricl")
    builder = _Builder(
        task, mode, metric, set(icl_ranks), icl_range, range_, set(ranks), context_tokens, tokenizer
    )
    icl: list[IclRow] = []
    inputs: list[InputRow] = []
    by_label: dict[str, list[Retrieved]] = defaultdict(list)
    for one in retrieved:
        task.verbalizer(one.label)
        by_label[one.label].append(one)
    rng = np.random.default_rng(seed)
    for label, rows in sorted(by_label.items()):
        pool, found = builder.label_pools(rows)
        if len(pool) < shots:
            raise UserError(
                f"label {label!r}: {len(pool)} demonstrations for {shots} shots",
                "fewer --shots, a wider --icl-range or more seeds",
            )
        if not found:
            low, high = range_
            raise UserError(
                f"no document of label {label!r} within [{low:g}, {high:g}]; scores seen "
                f"{builder.seen(rows)}",
                "set --range, or --window-quantile for this encoder",
            )
        if per_label is not None:
            found = _drawn(found, per_label, rng, builder.report, label, strict)
        icl += pool
        inputs += found
        builder.report.icl[label] = len(pool)
        builder.report.inputs[label] = len(found)
    labels_of = defaultdict(set)
    for row in inputs:
        labels_of[row.doc_id].add(row.label)
    builder.report.shared_documents = sum(len(labels) > 1 for labels in labels_of.values())
    return icl, inputs, builder.report


def windows_of(
    retrieved: Sequence[Retrieved],
    quantiles: Window | None,
    icl_ranks: Sequence[int],
    ranks: Sequence[int],
    icl_range: Window = ICL_RANGE,
    range_: Window = RANGE,
    seed: int = 42,
) -> tuple[Window, Window]:
    """Windows of demonstrations and inputs: as given, or from quantiles of each one's scores."""
    if quantiles is None:
        return icl_range, range_
    low, high = quantiles
    return (
        quantile_window(retrieved, low, high, ranks=icl_ranks, seed=seed),
        quantile_window(retrieved, low, high, ranks=ranks, seed=seed),
    )


def _drawn(
    rows: list[InputRow],
    per_label: int,
    rng: np.random.Generator,
    report: PoolReport,
    label: str,
    strict: bool,
) -> list[InputRow]:
    missing = per_label - len(rows)
    if missing > 0:
        if strict:
            raise UserError(f"label {label!r}: {len(rows)} inputs, {per_label} were asked for")
        report.shortfall[label] = missing
        return rows
    places = rng.choice(len(rows), size=per_label, replace=False)
    return [rows[place] for place in sorted(places.tolist())]


class _Builder:
    """The windows, and the contexts that were already shortened."""

    def __init__(
        self,
        task: Task,
        mode: Mode,
        metric: str,
        icl_ranks: set[int],
        icl_range: Window,
        range_: Window,
        ranks: set[int],
        context_tokens: tuple[int, int],
        tokenizer: Any,
    ) -> None:
        self.task, self.mode, self.metric = task, mode, metric
        self.icl_ranks, self.icl_range = icl_ranks, icl_range
        self.range, self.ranks = range_, ranks
        self.least, self.most = context_tokens
        self.tokenizer = tokenizer
        self.contexts: dict[str, Shortened | None] = {}
        self.report = PoolReport(
            windows={"icl": icl_range, "inputs": range_, "metric": metric}
            if metric == "cosine"
            else {"metric": metric}
        )

    def label_pools(self, rows: Sequence[Retrieved]) -> tuple[list[IclRow], list[InputRow]]:
        """Both pools of the seeds of one label."""
        icl: list[IclRow] = []
        inputs: list[InputRow] = []
        for one in rows:
            example = self._example(one.text)
            if self.mode == "non-retricl":
                icl.append(
                    IclRow(
                        id=one.seed_id, label=one.label, example_text=example, seed_id=one.seed_id
                    )
                )
            for result in sorted(one.results, key=lambda result: result.rank):
                demonstrates = self.mode == "retricl" and result.rank in self.icl_ranks
                if not demonstrates and result.rank not in self.ranks:
                    self._drop("rank", one.label)
                    continue
                if not self._inside(result.score, self.icl_range if demonstrates else self.range):
                    self._drop("similarity", one.label)
                    continue
                context = self._context(result.doc_id, result.text)
                if context is None:
                    self._drop("short", one.label)
                    continue
                self.report.hard_cut += context.hard_cut
                where: dict[str, Any] = {
                    "id": f"{one.seed_id}#{result.rank}",
                    "label": one.label,
                    "context": context.text,
                    "seed_id": one.seed_id,
                    "rank": result.rank,
                    "score": result.score,
                }
                if demonstrates:
                    icl.append(IclRow(example_text=example, **where))
                else:
                    inputs.append(InputRow(doc_id=result.doc_id, **where))
        return icl, inputs

    def seen(self, rows: Sequence[Retrieved]) -> str:
        scores = [
            result.score for one in rows for result in one.results if result.rank in self.ranks
        ]
        return f"{min(scores):.2f}..{max(scores):.2f}" if scores else "none"

    def _inside(self, score: float, window: Window) -> bool:
        return self.metric != "cosine" or window[0] <= score <= window[1]

    def _context(self, doc_id: str, text: str) -> Shortened | None:
        if doc_id not in self.contexts:
            self.contexts[doc_id] = shortened(
                text, self.tokenizer, self.least, max_tokens=self.most
            )
        return self.contexts[doc_id]

    def _example(self, text: str) -> str:
        found = shortened(text, self.tokenizer, max_tokens=self.task.max_new_tokens)
        return found.text if found and found.text else text

    def _drop(self, reason: str, label: str) -> None:
        counts = self.report.dropped.setdefault(reason, {})
        counts[label] = counts.get(label, 0) + 1
