"""What a folder of the paper's data has, set by set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.records import read_json_lines
from tenpapers.report import Table

from .published_forms import SETS
from .samples import load_samples


def overview(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Number of questions, runs and failed samples of each set.

    Parameters
    ----------
    names : of the data files to count.
    """
    seen: dict[str, dict[str, Any]] = {}
    for data_set in SETS:
        own = [name for name in names if name.startswith(f"{data_set}/")]
        if not own:
            continue
        runs = [load_samples(folder / name) for name in own if name.split("/")[1] == "outputs"]
        prompts = folder / data_set / "instances.jsonl.gz"
        seen[data_set] = {
            "questions": sum(1 for _ in read_json_lines(prompts)),
            "runs": len(runs),
            "files": len(own),
            "failed_samples": {run.model: run.failed for run in runs if run.failed},
        }
    return seen


def overview_table(seen: dict[str, dict[str, Any]]) -> Table:
    """The same as a table."""
    rows = [
        [name, own["questions"], own["runs"], own["files"], sum(own["failed_samples"].values())]
        for name, own in seen.items()
    ]
    return Table("Imported", ["set", "questions", "runs", "files", "failed samples"], rows)
