"""Controlled errors of a whole file, as `dcr data perturb` writes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Limit, Seed
from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of
from tenpapers.records import write_jsonl

from ..inputs.instances import read_instances
from .base_sentences import base_sentences, copied_sentences
from .perturb import clean, perturb

INSTANCES = "instances.jsonl"


@dataclass(frozen=True)
class PerturbSettings:
    """Into which sentences errors are put."""

    instances: Annotated[
        Path, typer.Argument(metavar="INPUT", help="JSONL of documents and responses.")
    ]
    with_clean: Annotated[
        bool, typer.Option("--with-clean", help="Add the sentences as they were.")
    ] = False
    copied: Annotated[
        int | None,
        typer.Option("--copied", help="Add a sentence of every Nth document, as it is.", min=1),
    ] = None
    limit: Limit = None
    seed: Seed = 42


def perturb_file(
    settings: PerturbSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> dict[str, int]:
    """Write `instances.jsonl` into a folder; gives counts.

    Raises
    ------
    UserError : see `read_instances`; no sentence in which anything could be changed; `out` holds
        another run.
    """
    instances = read_instances(settings.instances, limit=settings.limit)
    base = list(base_sentences(instances))
    if settings.copied is not None:
        base += copied_sentences(instances, settings.copied, settings.seed)
    changed = perturb(base, settings.seed)
    if not changed:
        raise UserError(
            f"{settings.instances}: no sentence with a number or a name that could be another",
            "wanted: responses without gold errors, with sentences of five words and more",
        )
    with Journal(
        out,
        key=key_of("dcr data perturb", settings),
        inputs=files_of(settings),
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        right = clean(base) if settings.with_clean else []
        write_jsonl(journal.file(INSTANCES), [*changed, *right])
        journal.finish("instances")
    return {
        "sentences": len(base),
        "changed": len(changed),
        "nothing_to_change": len(base) - len(changed),
        "train": sum(row.split == "train" for row in changed),
        "test": sum(row.split == "test" for row in changed),
    }
