"""How candidates are labelled, and what training rows are made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Cache, PromptsFolder, Seed

from ..equivalence.answer_scores import JUDGE_TOKENS, Scorer, ScorerModel, ScorerTokens
from ..reading.reader import MAX_NEW_TOKENS

Mode = Literal["listwise", "pointwise"]
Combine = Literal["union", "gold", "distill", "lerc"]

# Windows of a query that a model looks at. The paper's number is not known.
WINDOWS = 10
# Answer equivalence: from which score on a window is positive, and up to which it is negative. The
# paper's are not known.
HI, LO = 0.7, 0.3
# Tokens of a teacher's reply at most.
REPLY_TOKENS = 256

CandidatesFile = Annotated[
    Path, typer.Option("--candidates", help="JSONL of queries with their first-stage passages.")
]
Windows = Annotated[
    int, typer.Option("--windows", help="Passages of a query that are looked at.", min=1)
]
Reorder = Annotated[
    str | None,
    typer.Option("--encoder", help="Look at those first that this encoder scores highest."),
]


@dataclass(frozen=True)
class GoldSettings:
    """Labels from annotated evidence."""

    candidates: CandidatesFile
    references: Annotated[Path, typer.Option("--references", help="Claims with their answers.")]
    pseudo_evidence: Annotated[
        bool,
        typer.Option(
            "--pseudo-evidence", help="Where a source page is lost, its answer stands in for it."
        ),
    ] = False


@dataclass(frozen=True)
class DistillSettings:
    """Labels from a teacher model."""

    candidates: CandidatesFile
    teacher: Annotated[str, typer.Option("--teacher", help="Model spec, or replay:FILE.")]
    references: Annotated[
        Path | None, typer.Option("--references", help="Claims; not needed for this signal.")
    ] = None
    mode: Annotated[
        Mode, typer.Option("--mode", help="Grades of all windows, or yes or no of each.")
    ] = "listwise"
    windows: Windows = WINDOWS
    encoder: Reorder = None
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", help="Of a reply, at most.", min=1)
    ] = REPLY_TOKENS
    prompts: PromptsFolder = None
    seed: Seed = 0
    cache: Cache = True


@dataclass(frozen=True)
class LercSettings:
    """Labels from answer equivalence."""

    candidates: CandidatesFile
    reader: Annotated[str, typer.Option("--reader", help="Model spec, or replay:FILE.")]
    scorer: Scorer = "lerc"
    scorer_model: ScorerModel = ""
    scorer_tokens: ScorerTokens = JUDGE_TOKENS
    references: Annotated[
        Path | None,
        typer.Option("--references", help="Claims with their answers; default: the candidates'."),
    ] = None
    windows: Windows = WINDOWS
    encoder: Reorder = None
    hi: Annotated[
        float, typer.Option("--hi", help="A score from which on a window is positive.")
    ] = HI
    lo: Annotated[float, typer.Option("--lo", help="A score up to which a window is negative.")] = (
        LO
    )
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", help="Of an answer, at most.", min=1)
    ] = MAX_NEW_TOKENS
    prompts: PromptsFolder = None
    seed: Seed = 0
    cache: Cache = True


@dataclass(frozen=True)
class MakeTrainSettings:
    """Training rows from labels."""

    candidates: CandidatesFile
    labels: Annotated[
        list[Path], typer.Option("--labels", help="JSONL of labels; once for each file.")
    ]
    combine: Annotated[Combine, typer.Option("--combine", help="All signals, or one alone.")] = (
        "union"
    )
    hard_negatives: Annotated[
        int | None,
        typer.Option("--hard-negatives", help="A row keeps so many; default: all.", min=0),
    ] = None
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", help="Its scores say how hard; default: the candidates' order."),
    ] = None
    seed: Seed = 0
