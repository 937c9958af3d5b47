"""Commands on vectors: embed texts, find neighbours."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Cache, OutFile

app = typer.Typer()


@app.command()
def embed(
    file: Annotated[Path, typer.Argument(help="Instances (prompts) or samples (responses).")],
    out: OutFile,
    what: Annotated[
        Literal["prompt", "response"],
        typer.Option("--what", help="The prompts, or sample 0 of the responses."),
    ] = "prompt",
    encoder: Annotated[
        str, typer.Option("--encoder", help="minilm, e5-mistral, or a folder or hub id.")
    ] = "minilm",
    cache: Cache = True,
) -> None:
    """Embed the prompts or responses of a file; writes embeddings, ids and text hashes (.npz).

    Example: overton embed instances.jsonl --what prompt --out emb.npz
    """
    from ..embedding.embedded_files import embed_file

    count = embed_file(file, what, encoder, out, cache=cache)
    print(f"{count} vectors -> {out}")


@app.command()
def neighbours(
    file: Annotated[Path, typer.Argument(metavar="EMB", help="What `embed` wrote (.npz).")],
    out: OutFile,
    k: Annotated[int, typer.Option("-k", help="Neighbours of each.", min=1)] = 3,
) -> None:
    """Nearest others of every text by cosine, nearest first, itself left out.

    Example: overton neighbours emb.npz -k 3 --out neighbours.jsonl
    """
    from ..embedding.embedded_files import neighbours_file

    count = neighbours_file(file, k, out)
    print(f"{count} rows -> {out}")
