"""Content sourcing, step two: which documents become demonstrations, and which become inputs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import typer
from pydantic import BeforeValidator
from tenpapers.errors import UserError

from ..inputs.task import Task
from ..records import IclRow, InputRow, Metric, Retrieved
from .shorten import Shortened, shortened
from .windows import (
    CONTEXT_TOKENS,
    ICL_RANGE,
    ICL_RANKS,
    RANGE,
    RANKS,
    Cosines,
    TokenCounts,
    Window,
    read_cosines,
    read_ranks,
    read_token_counts,
    windows_of,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Mode = Literal["retricl", "non-retricl"]


@dataclass(frozen=True)
class PoolSettings:
    """Which documents become demonstrations and which become inputs."""

    mode: Annotated[
        Mode, typer.Option(help="Demonstrations with their documents, or seed texts alone.")
    ] = "retricl"
    icl_range: Annotated[
        Cosines,
        BeforeValidator(read_cosines),
        typer.Option(parser=read_cosines, metavar="LOW,HIGH", help="Cosines of demonstrations."),
    ] = ICL_RANGE
    range: Annotated[
        Cosines,
        BeforeValidator(read_cosines),
        typer.Option(parser=read_cosines, metavar="LOW,HIGH", help="Cosines of inputs."),
    ] = RANGE
    window_quantile: Annotated[
        Cosines | None,
        BeforeValidator(lambda value: None if value is None else read_cosines(value)),
        typer.Option(
            parser=read_cosines,
            metavar="LOW,HIGH",
            help="Both windows from quantiles of the scores below their upper bounds, e.g. "
            "0.3,0.98.",
        ),
    ] = None
    icl_ranks: Annotated[
        Sequence[int],
        BeforeValidator(read_ranks),
        typer.Option(parser=read_ranks, metavar="RANKS", help="Ranks of demonstrations."),
    ] = ICL_RANKS
    ranks: Annotated[
        Sequence[int],
        BeforeValidator(read_ranks),
        typer.Option(
            parser=read_ranks, metavar="RANKS", help="Ranks of inputs.", show_default="1-50"
        ),
    ] = RANKS
    context_tokens: Annotated[
        TokenCounts,
        BeforeValidator(read_token_counts),
        typer.Option(
            parser=read_token_counts,
            metavar="LEAST,MOST",
            help="Tokens that a document has at least, and is cut to.",
        ),
    ] = CONTEXT_TOKENS
    shots: Annotated[int, typer.Option(help="Demonstrations that must be there.", min=0)] = 0
    per_label: Annotated[int | None, typer.Option(help="Inputs drawn a label [all].", min=1)] = None
    strict: Annotated[bool, typer.Option("--strict", help="Too few inputs are an error.")] = False
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 42


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
    tokenizer: "PreTrainedTokenizerBase",
    shots: int = 0,
    per_label: int | None = None,
    strict: bool = False,
    seed: int = 42,
) -> tuple[list[IclRow], list[InputRow], PoolReport]:
    """Demonstrations and inputs from what the seeds fetched.

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
        task=task,
        mode=mode,
        metric=metric,
        icl_ranks=set(icl_ranks),
        icl_range=icl_range,
        ranks=set(ranks),
        range=range_,
        context_tokens=TokenCounts(*context_tokens),
        tokenizer=tokenizer,
    )
    icl: list[IclRow] = []
    inputs: list[InputRow] = []
    by_label: dict[str, list[Retrieved]] = defaultdict(list)
    for row in retrieved:
        task.verbalizer(row.label)
        by_label[row.label].append(row)
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
                f"{builder.scores_seen(rows)}",
                "set --range, or --window-quantile for this encoder",
            )
        if per_label is not None:
            if len(found) < per_label:
                if strict:
                    raise UserError(
                        f"label {label!r}: {len(found)} inputs, {per_label} were asked for"
                    )
                builder.report.shortfall[label] = per_label - len(found)
            found = _drawn(found, per_label, rng)
        icl += pool
        inputs += found
        builder.report.icl[label] = len(pool)
        builder.report.inputs[label] = len(found)
    labels_of: dict[str | None, set[str]] = defaultdict(set)
    for input_row in inputs:
        labels_of[input_row.doc_id].add(input_row.label)
    builder.report.shared_documents = sum(len(labels) > 1 for labels in labels_of.values())
    return icl, inputs, builder.report


def pools_of(
    retrieved: Sequence[Retrieved],
    task: Task,
    settings: PoolSettings,
    tokenizer: "PreTrainedTokenizerBase",
) -> tuple[list[IclRow], list[InputRow], PoolReport]:
    """Demonstrations and inputs by those settings, with windows from quantiles where they say so.

    Raises
    ------
    UserError : what `windows_of` and `build_inputs` raise.
    """
    icl_range, range_ = windows_of(
        retrieved,
        settings.window_quantile,
        settings.icl_ranks,
        settings.ranks,
        icl_range=settings.icl_range,
        range_=settings.range,
        seed=settings.seed,
    )
    return build_inputs(
        retrieved,
        task,
        settings.mode,
        settings.icl_ranks,
        icl_range,
        range_,
        settings.ranks,
        settings.context_tokens,
        tokenizer=tokenizer,
        shots=settings.shots,
        per_label=settings.per_label,
        strict=settings.strict,
        seed=settings.seed,
    )


def _drawn(rows: list[InputRow], n: int, rng: np.random.Generator) -> list[InputRow]:
    """`n` rows without replacement, in their order; all where there are no more."""
    if len(rows) < n:
        return rows
    chosen = rng.choice(len(rows), size=n, replace=False)
    return [rows[index] for index in sorted(chosen.tolist())]


@dataclass
class _Builder:
    """The windows, and the contexts that were already shortened."""

    task: Task
    mode: Mode
    metric: Metric
    icl_ranks: set[int]
    icl_range: Window
    ranks: set[int]
    range: Window
    context_tokens: TokenCounts
    tokenizer: "PreTrainedTokenizerBase"
    contexts: dict[str, Shortened | None] = field(default_factory=dict)
    report: PoolReport = field(default_factory=PoolReport)

    def __post_init__(self) -> None:
        if self.metric == "cosine":
            self.report.windows |= {"icl": self.icl_range, "inputs": self.range}
        self.report.windows["metric"] = self.metric

    def label_pools(self, rows: Sequence[Retrieved]) -> tuple[list[IclRow], list[InputRow]]:
        """Both pools of the seeds of one label."""
        icl: list[IclRow] = []
        inputs: list[InputRow] = []
        for row in rows:
            example = self._example(row.text)
            if self.mode == "non-retricl":
                name, label = row.seed_id, row.label
                own = {"id": name, "label": label, "example_text": example, "seed_id": name}
                icl.append(IclRow.model_validate(row.unknown | own))
            for result in sorted(row.results, key=lambda result: result.rank):
                demonstrates = self.mode == "retricl" and result.rank in self.icl_ranks
                if not demonstrates and result.rank not in self.ranks:
                    self._drop("rank", row.label)
                    continue
                if not self._inside(result.score, self.icl_range if demonstrates else self.range):
                    self._drop("similarity", row.label)
                    continue
                context = self._context(result.doc_id, result.text)
                if context is None:
                    self._drop("short", row.label)
                    continue
                self.report.hard_cut += context.hard_cut
                origin: dict[str, Any] = row.unknown | {
                    "id": f"{row.seed_id}#{result.rank}",
                    "label": row.label,
                    "context": context.text,
                    "seed_id": row.seed_id,
                    "rank": result.rank,
                    "score": result.score,
                    "doc_id": result.doc_id,
                }
                if demonstrates:
                    icl.append(IclRow.model_validate(origin | {"example_text": example}))
                else:
                    inputs.append(InputRow.model_validate(origin))
        return icl, inputs

    def scores_seen(self, rows: Sequence[Retrieved]) -> str:
        """Lowest and highest score at the ranks of the inputs."""
        scores = [
            result.score for row in rows for result in row.results if result.rank in self.ranks
        ]
        return f"{min(scores):.2f}..{max(scores):.2f}" if scores else "none"

    def _inside(self, score: float, window: Window) -> bool:
        return self.metric != "cosine" or window[0] <= score <= window[1]

    def _context(self, doc_id: str, text: str) -> Shortened | None:
        if doc_id not in self.contexts:
            least, most = self.context_tokens
            self.contexts[doc_id] = shortened(text, self.tokenizer, least, max_tokens=most)
        return self.contexts[doc_id]

    def _example(self, text: str) -> str:
        found = shortened(text, self.tokenizer, max_tokens=self.task.max_new_tokens)
        return found.text if found and found.text else text

    def _drop(self, reason: str, label: str) -> None:
        counts = self.report.dropped.setdefault(reason, {})
        counts[label] = counts.get(label, 0) + 1
