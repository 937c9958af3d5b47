"""What `cfr bench` measures, and on how much."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..retrieval.vectors import Stored

Loop = Literal["embed", "search", "bm25", "meteor"]


@dataclass(frozen=True)
class BenchSettings:
    """What is measured."""

    texts: Annotated[int, typer.Option(help="Passages that are encoded or searched.", min=2)] = 2000
    queries: Annotated[int, typer.Option(help="Queries that are asked.", min=1)] = 200
    vectors: Annotated[int, typer.Option(help="Rows of the dense index (search).", min=2)] = 100_000
    dim: Annotated[int, typer.Option(help="Of those rows where there are no texts.", min=2)] = 384
    dtype: Annotated[Stored, typer.Option(help="Of those rows.")] = "fp32"
    kind: Annotated[
        Literal["all", "ivf", "hnsw", "pq"],
        typer.Option(help="Index beside the exact one (search)."),
    ] = "all"
    longest_build: Annotated[
        float, typer.Option(help="Seconds that the build of an HNSW index may take (search).")
    ] = 360
    encoder: Annotated[
        str, typer.Option(help="Encoder (embed); of the texts round which rows are drawn (search).")
    ] = "minilm"
    peer_texts: Annotated[
        int | None,
        typer.Option(help="Texts that the peer encodes; default: all (embed).", min=1),
    ] = None
    max_length: Annotated[int, typer.Option(help="Tokens of a text (embed).", min=8)] = 512
    seed: Annotated[int, typer.Option(help="Draws the texts and vectors.")] = 0
    data: Annotated[
        Path | None,
        typer.Option(help="JSONL with `text` (and `title`); default: the paper's data."),
    ] = None
