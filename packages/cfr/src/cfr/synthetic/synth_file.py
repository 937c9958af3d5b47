"""The synthetic inference set as a file."""

from pathlib import Path
from typing import Literal

from tenpapers.errors import UserError
from tenpapers.generation import open_generator
from tenpapers.journal import Journal
from tenpapers.records import write_jsonl

from ..inputs.transfer_sets import pool_labels
from .draw import draw
from .paraphrase import paraphrase

Split = Literal["both", "train", "test"]


def synth_file(
    out: Path,
    n: int,
    *,
    labels: Path | None = None,
    split: Split = "both",
    seed: int = 0,
    model: str | None = None,
    folder: Path | None = None,
    cache: bool = True,
) -> dict[str, int]:
    """Write the synthetic inference set; the same seed gives the same bytes.

    Parameters
    ----------
    labels : file for which windows answer, as `evaluate retrieval` and `make-train` read it.
    split : which of the items are written.
    model : rewrites the windows, None for nobody.
    folder : the user's templates.
    cache : whether what a model said before is used again.

    Returns
    -------
    How many items and distinct windows there are; with a model how many windows it rewrote, how
    many stayed because its words broke a rule, and how many requests failed.

    Raises
    ------
    UserError : the world does not have so many items; `out` is not this command's.
    """
    with Journal.once(out, command="cfr synth") as journal:
        drawn = draw(n, seed=seed)
        drawn = drawn._replace(items=[i for i in drawn.items if split in ("both", i.split)])
        items = drawn.items
        if not items:
            raise UserError(f"--n {n}: none of them is for {split}", "a larger --n")
        counts = {
            "items": len(items),
            "windows": len({passage.pid for item in items for passage in item.passages}),
        }
        if model:
            with open_generator(model, cache=cache) as generator:
                done = paraphrase(drawn, generator, folder=folder, seed=seed, progress="windows")
            items = done.items
            counts |= {"rewritten": done.rewritten, "unfit": done.unfit, "failed": done.failed}
        write_jsonl(journal.file(out.name), items)
    if labels is not None:
        with Journal.once(labels, command="cfr synth") as journal:
            write_jsonl(journal.file(labels.name), pool_labels(items))
    return counts
