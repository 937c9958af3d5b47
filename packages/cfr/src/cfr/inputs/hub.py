"""Data sets of the hub: the official rows, at the revision that `paper.yaml` pins."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from tenpapers.errors import UserError
from tenpapers.paper import load_paper

# Where people put a set's file by hand when the hub is out of reach.
_FILES = {
    "fever/fever": "paper_dev.jsonl of fever.ai",
    "hotpotqa/hotpot_qa": "hotpot_dev_distractor_v1.json of hotpotqa.github.io",
}


def hub_rows(
    name: str, split: str, *, limit: int | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a data set of the hub, each with the words that name it in a message.

    Parameters
    ----------
    name : as in `hub_sets` of `paper.yaml`, which says its configuration and revision.
    limit : no more rows than that.

    Raises
    ------
    UserError : not a set of the paper, `datasets` is not installed, the hub is out of reach.
    """
    known = {found.id: found for found in load_paper("cfr").hub_sets}
    if name not in known:
        raise UserError(f"{name}: no data set of this paper", f"one of {', '.join(known)}")
    try:
        from datasets import load_dataset
    except ImportError:
        raise UserError("datasets is not installed", "pip install datasets") from None
    chosen = known[name]
    try:
        rows = load_dataset(name, chosen.configuration, split=split, revision=chosen.revision)
    except Exception as error:  # the client raises many kinds, of which none is a bug of ours
        wanted = _FILES.get(name, "its file")
        raise UserError(
            f"{name}: cannot be loaded: {type(error).__name__}",
            f"download {wanted} elsewhere and pass the file",
        ) from None
    for number, row in enumerate(islice(rows, limit)):
        yield f"{name} {split}: row {number}", dict(row)
