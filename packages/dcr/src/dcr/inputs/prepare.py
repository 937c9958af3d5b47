"""Instances of published files, as `dcr data prepare` writes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Limit, Seed
from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of
from tenpapers.records import write_jsonl

from ..records import Instance
from .faithbench import read_faithbench
from .qmsum import read_qmsum
from .tofueval import read_tofueval
from .ultrachat import read_ultrachat

Source = Literal["tofueval", "ultrachat", "faithbench", "qmsum"]
INSTANCES = "instances.jsonl"


@dataclass(frozen=True)
class PrepareSettings:
    """Which published files become instances."""

    kind: Annotated[Source, typer.Argument(help="What the files are.")]
    source: Annotated[Path, typer.Option("--src", help="File, or FaithBench's folder of batches.")]
    documents: Annotated[
        Path | None,
        typer.Option("--documents", help="Of tofueval: {doc_id, document} a line, or JSON."),
    ] = None
    limit: Limit = None
    seed: Seed = 42


def prepare_file(
    settings: PrepareSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> dict[str, int]:
    """Write `instances.jsonl` into a folder; gives counts.

    Raises
    ------
    UserError : see `read_published`; `out` holds another run.
    """
    found = read_published(settings.kind, settings.source, documents=settings.documents)
    instances = found[: settings.limit]
    with Journal(
        out,
        key=key_of("dcr data prepare", settings, without=["seed"]),
        inputs=files_of(settings),
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        write_jsonl(journal.file(INSTANCES), instances)
        journal.finish("instances")
    return {
        "instances": len(instances),
        "documents": len({instance.document for instance in instances}),
        "with_errors": sum(any(gold.is_error for gold in row.gold) for row in instances),
        "gold": sum(len(instance.gold) for instance in instances),
    }


def read_published(kind: Source, source: Path, *, documents: Path | None = None) -> list[Instance]:
    """Read instances of a published file.

    Parameters
    ----------
    documents : of TofuEval, whose files have none.

    Raises
    ------
    UserError : a file that is not there or not what it should be; TofuEval without its documents.
    """
    if kind == "tofueval":
        if documents is None:
            raise UserError(
                "tofueval: its files have no documents",
                "--documents FILE, with {doc_id, document} a line",
            )
        return read_tofueval(source, documents)
    read = {"faithbench": read_faithbench, "qmsum": read_qmsum, "ultrachat": read_ultrachat}
    return read[kind](source)
