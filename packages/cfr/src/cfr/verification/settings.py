"""What reading and judging are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Cache, Limit, PromptsFolder, Seed

from ..reading.reader import MAX_NEW_TOKENS
from ..retrieval.query_form import QueryFormat
from ..retrieval.search import Mode
from ..scoring.labels import LabelsName

VERDICT_TOKENS = 256  # of a judge's words, at most

Reader = Annotated[
    str, typer.Option("--reader", help="Model that answers questions: smollm2, hf:ID, vllm:ID, ...")
]
Labels = Annotated[LabelsName, typer.Option("--labels", help="The data set whose labels count.")]


@dataclass(frozen=True)
class AnswerSettings:
    """Who answers the questions of ranked passages."""

    ranked: Annotated[
        Path, typer.Option("--ranked", help="Rankings (JSONL of cfr search, rerank).")
    ]
    reader: Reader
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", help="Questions with passages: the ranked ones' texts."),
    ] = None
    index: Annotated[
        Path | None, typer.Option("--index", help="Folder of cfr index: the texts, with --queries.")
    ] = None
    queries: Annotated[
        Path | None, typer.Option("--queries", help="Queries or claims, with --index.")
    ] = None
    topk: Annotated[int, typer.Option("--topk", help="Passages read at once.", min=1)] = 5
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", help="Of an answer, at most.", min=1)
    ] = MAX_NEW_TOKENS
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 0
    cache: Cache = True


@dataclass(frozen=True)
class VerifySettings:
    """How claims are verified, by whom."""

    judge: Annotated[str, typer.Option("--judge", help="Model that gives verdicts.")]
    index: Annotated[Path | None, typer.Option("--index", help="Folder of cfr index.")] = None
    reader: Annotated[
        str | None, typer.Option("--reader", help="Model that answers questions.")
    ] = None
    evidence: Annotated[
        Literal["found", "gold", "none"],
        typer.Option("--evidence", help="What is searched and read; people's answers; or nothing."),
    ] = "found"
    claims: Annotated[
        Path | None,
        typer.Option("--claims", help="Claims of the data set of --labels."),
    ] = None
    claim: Annotated[str | None, typer.Option("--claim", help="One claim, as text.")] = None
    model: Annotated[
        str | None, typer.Option("--model", help="Reranker; default: the index's encoder.")
    ] = None
    decomposer: Annotated[
        str | None,
        typer.Option("--decomposer", help="Model that writes questions for claims without any."),
    ] = None
    own_questions: Annotated[
        bool,
        typer.Option(
            "--own-questions/--new-questions",
            help="Ask the claims' questions, or have all written.",
        ),
    ] = True
    mode: Annotated[Mode, typer.Option("--mode", help="How the index is searched.")] = "rerank"
    k: Annotated[int, typer.Option("--k", help="Passages read for a question.", min=1)] = 5
    first_stage_k: Annotated[
        int, typer.Option("--first-stage-k", help="What BM25 hands on.", min=1)
    ] = 100
    query_format: Annotated[
        QueryFormat | None,
        typer.Option(help="How claim and question are joined; default: as the checkpoint says."),
    ] = None
    within: Annotated[
        str | None,
        typer.Option(
            "--within", help="Search among passages with the claim's value of this field."
        ),
    ] = None
    filters: Annotated[
        bool,
        typer.Option("--filters/--no-filters", help="Leave out fact checks, newer pages, copies."),
    ] = True
    labels: Labels = "averitec"
    examples: Annotated[
        bool, typer.Option("--examples", help="Show the judge an example of each label.")
    ] = False
    answer_tokens: Annotated[
        int, typer.Option("--answer-tokens", help="Of the reader's answer, at most.", min=1)
    ] = MAX_NEW_TOKENS
    verdict_tokens: Annotated[
        int, typer.Option("--verdict-tokens", help="Of the judge's words, at most.", min=1)
    ] = VERDICT_TOKENS
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 0
    cache: Cache = True
