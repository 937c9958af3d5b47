"""What `evaluate` and `evaluate-feedback` are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from tenpapers.cli import Cache, Limit, PromptsFolder, comma_separated
from tenpapers.errors import UserError

Metric = Literal["alignscore", "likert", "pairwise", "rouge", "edits", "minicheck"]
METRICS: tuple[Metric, ...] = get_args(Metric)
# Those that ask a judge.
JUDGED: tuple[Metric, ...] = ("likert", "pairwise")

Judge = Annotated[
    str | None,
    typer.Option("--judge", help="Model spec of the judge, or replay:FILE of its answers."),
]
JudgeTokens = Annotated[
    int, typer.Option("--judge-tokens", help="Of a judge's answer, at most.", min=1)
]
Tries = Annotated[
    int,
    typer.Option("--tries", help="How often a judge is asked until its last line is there.", min=1),
]
EvaluationSeed = Annotated[int, typer.Option("--seed", help="Seed of every random choice.", min=0)]


@dataclass(frozen=True)
class EvaluateSettings:
    """Which refinements are scored, how."""

    refined: Annotated[Path, typer.Argument(metavar="REFINED.jsonl", help="Refined responses.")]
    metrics: Annotated[
        str, typer.Option("--metrics", help=f"Of {', '.join(METRICS)}; commas between them.")
    ] = "edits,rouge"
    judge: Judge = None
    pairwise_orders: Annotated[
        Literal["both_orders", "random_order"],
        typer.Option("--pairwise-orders", help="Show each pair twice, or once in a drawn order."),
    ] = "both_orders"
    aligner: Annotated[
        str,
        typer.Option(
            "--aligner",
            help="Of alignscore: alignscore-large, a .ckpt of it, or a classifier of entailment.",
        ),
    ] = "alignscore-large"
    aligner_tokenizer: Annotated[
        str, typer.Option("--aligner-tokenizer", help="Of a .ckpt: folder or hub id.")
    ] = "FacebookAI/roberta-large"
    detector: Annotated[
        str,
        typer.Option("--detector", help="Of minicheck: any detector, see `dcr detect --help`."),
    ] = "minicheck-flan-t5-large"
    draws: Annotated[int, typer.Option("--draws", help="Draws of a bootstrap interval.", min=1)] = (
        1000
    )
    judge_tokens: JudgeTokens = 500
    tries: Tries = 5
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: EvaluationSeed = 42
    cache: Cache = True

    def chosen(self) -> list[Metric]:
        """The metrics, each once.

        Raises
        ------
        UserError : no metric, an unknown one, a judged one without `--judge`.
        """
        names = list(dict.fromkeys(comma_separated(self.metrics)))
        for name in names:
            if name not in METRICS:
                raise UserError(f"--metrics {name}: unknown", f"of {', '.join(METRICS)}")
        if not names:
            raise UserError("--metrics: none is named", f"of {', '.join(METRICS)}")
        found = [metric for metric in METRICS if metric in names]
        if self.judge is None and any(metric in JUDGED for metric in found):
            raise UserError(
                f"--metrics {', '.join(m for m in found if m in JUDGED)}: needs --judge MODEL"
            )
        return found


@dataclass(frozen=True)
class FeedbackSettings:
    """Which critiques are held against which errors."""

    critiqued: Annotated[
        Path, typer.Argument(metavar="CRITIQUED.jsonl", help="Responses with critiques.")
    ]
    gold: Annotated[
        Path | None,
        typer.Option(
            "--gold",
            help="JSONL of instances with `gold`; default: the gold of the rows themselves.",
        ),
    ] = None
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="Also ask a model whether critiques name the gold errors."),
    ] = None
    judge_tokens: JudgeTokens = 500
    tries: Tries = 5
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: EvaluationSeed = 42
    cache: Cache = True
