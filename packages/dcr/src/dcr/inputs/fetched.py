"""Our data files from the published ones, as `dcr data fetch` brings them."""

from collections.abc import Callable
from pathlib import Path

from tenpapers.data import Published, pack
from tenpapers.records import write_jsonl

from . import faithbench, qmsum

TOFUEVAL = "amazon-science/tofueval"
FAITHBENCH = "vectara/FaithBench"
QMSUM = "Yale-LILY/QMSum"


def make(published: Published, place: Callable[[str], Path]) -> None:
    """Write TofuEval's judged sentences, FaithBench's summaries and QMSum's excerpts.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    for source in ("mediasum", "meetingbank"):
        for split in ("dev", "test"):
            file = published.file(
                TOFUEVAL, f"factual_consistency/{source}_factual_eval_{split}.csv"
            )
            pack(file, place(f"tofueval_{source}_{split}.csv.gz"))
    batches = sorted(published.files(FAITHBENCH), key=lambda file: (len(file.stem), file.stem))
    rows = (row for file in batches for row in faithbench.published_rows(file))
    write_jsonl(place("faithbench.jsonl.gz"), rows)
    excerpts = qmsum.published_rows(published.file(QMSUM, "data/ALL/jsonl/val.jsonl"))
    write_jsonl(place("qmsum_excerpts.jsonl.gz"), excerpts)
