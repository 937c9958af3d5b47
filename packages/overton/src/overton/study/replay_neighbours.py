"""The demonstrations that the paper chose by its embedded questions, chosen again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..embedding.neighbours import knn
from ..inputs.layout import DATASETS, PublishedFolder
from ..inputs.samples import shot_ids

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy import ndarray

# Runs whose demonstrations are neighbours of the question, by the mark in their names.
_MARKS = {"-5nn-prompt_similar": 5, "-knn-prompt_similar": 3}


def replay_neighbours(folder: PublishedFolder) -> dict[str, Any] | None:
    """How many published choices of neighbours come out the same, order included.

    Returns
    -------
    `runs`, by run the number of `rows` and how many are the `same`; and `rows`, `same` in all. None
    where no embedded questions are in the folder.
    """
    runs: dict[str, dict[str, int]] = {}
    for dataset in DATASETS:
        file = folder.embeddings(dataset)
        if file is None:
            continue
        with np.load(file) as arrays:
            embeddings = arrays["embeddings"]
        listed = file.with_name("prompt_similar.neighbours.json")
        if listed.is_file():
            runs[f"{dataset}:neighbours"] = _counted(
                dict(enumerate(json.loads(listed.read_text())["neighbours"])), embeddings
            )
        for name, path in folder.outputs(dataset).items():
            if any(mark in name for mark in _MARKS):
                runs[f"{dataset}:{name}"] = _counted(shot_ids(path), embeddings)
    if not runs:
        return None
    total = {key: sum(run[key] for run in runs.values()) for key in ("rows", "same")}
    return {"runs": runs, **total}


def _counted(
    chosen: Mapping[int, list[int]], embeddings: Float[ndarray, "texts dim"]
) -> dict[str, int]:
    rows = [(place, others) for place, others in chosen.items() if others]
    longest = max((len(others) for _, others in rows), default=1)
    nearest = knn(embeddings, longest) if rows else np.empty((0, 0), dtype=np.int64)
    same = sum(nearest[place, : len(others)].tolist() == others for place, others in rows)
    return {"rows": len(rows), "same": same}
