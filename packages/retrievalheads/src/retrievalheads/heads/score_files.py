"""Scores of all heads: the file, its order, head sets, and Wu et al.'s published form."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tenpapers.errors import UserError
from tenpapers.records import atomic_writer, read_json, write_json

from .head_sets import THRESHOLD, ranked

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

SCHEMA = "retrievalheads/1"


@dataclass
class HeadScores:
    """Retrieval scores of L x H heads.

    Parameters
    ----------
    model, adapter : what was read.
    probe, mode : "copy" or "insight" (imported files: "wu"); "teacher", "generate" or "niah".
    per_example : score of every example and head; NaN where a layer has no softmax attention.
    ids : of the E examples that were used.
    skipped : reasons why others were not, with counts.
    options : settings of the run.
    data_sha256 : of the dataset file.
    identity : of the weights that were read, with those of the adapter; "" where it is not known.
    complete : False where the file of every example's scores is lost and `per_example` is the mean.
    """

    model: str
    probe: str
    mode: str
    per_example: Float[Tensor, "examples layers heads"]
    adapter: str | None = None
    ids: list[str] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    identity: str = ""
    complete: bool = True

    @property
    def mean(self) -> Float[Tensor, "layers heads"]:
        """Mean over the examples, float64."""
        return self.per_example.double().mean(0)

    @property
    def sem(self) -> Float[Tensor, "layers heads"]:
        """Standard error of the mean; NaN for one example."""
        values = self.per_example.double()
        if len(values) < 2:
            return values[0] * math.nan
        return values.std(0) / math.sqrt(len(values))

    @property
    def n_layers(self) -> int:
        """L."""
        return int(self.per_example.shape[1])

    @property
    def n_heads(self) -> int:
        """H, query heads a layer."""
        return int(self.per_example.shape[2])

    def split_half_recall(self, threshold: float = THRESHOLD) -> float:
        """How stable the list is: recall of the odd examples' heads among the even ones' (0, 2..).

        NaN with fewer than two examples or no head over the threshold.
        """
        if len(self.per_example) < 2:
            return float("nan")
        even = self.per_example[0::2].double().mean(0) >= threshold
        odd = self.per_example[1::2].double().mean(0) >= threshold
        return float((even & odd).sum() / odd.sum()) if odd.any() else float("nan")

    def save(self, path: Path) -> None:
        """Write the JSON file, and the scores of every example beside it as .npz."""
        import numpy as np

        if not len(self.per_example):
            raise UserError(f"{path}: no example was used: {self.skipped}")
        packed = io.BytesIO()
        np.savez_compressed(
            packed, scores=self.per_example.numpy(), ids=np.array(self.ids, dtype=str)
        )
        arrays = sidecar(path)
        with atomic_writer(arrays) as stream:
            stream.write(packed.getvalue())
        mean, sem = self.mean, self.sem
        write_json(
            path,
            {
                "schema": SCHEMA,
                "model": self.model,
                "adapter": self.adapter,
                "n_layers": self.n_layers,
                "n_heads": self.n_heads,
                "probe": self.probe,
                "mode": self.mode,
                "n_used": len(self.per_example),
                "n_skipped": self.skipped,
                "mean": _plain(mean),
                "sem": _plain(sem),
                "per_example": arrays.name,
                "per_example_sha256": hashlib.sha256(packed.getvalue()).hexdigest(),
                "per_example_shape": list(self.per_example.shape),
                "identity": self.identity,
                "options": self.options,
                "data_sha256": self.data_sha256,
                "ranked": [list(entry) for entry in ranked(mean)],
            },
        )

    @classmethod
    def load(cls, path: Path) -> HeadScores:
        """Read a head-score file; without its .npz the mean stands for the examples.

        Raises
        ------
        UserError : not such a file, a shape that does not fit, a number that is not finite, an
            .npz of other scores.
        """
        import torch

        content = read_json(path)
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise UserError(f"{path}: not a head-score file", f"schema {SCHEMA!r} is wanted")
        try:
            mean = torch.tensor(
                [[math.nan if v is None else v for v in row] for row in content["mean"]],
                dtype=torch.float64,
            )
            shape = (int(content["n_layers"]), int(content["n_heads"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: broken head-score file: {error}") from None
        if tuple(mean.shape) != shape:
            raise UserError(f"{path}: mean has the shape {tuple(mean.shape)}, not {shape}")
        if mean.isinf().any():
            raise UserError(f"{path}: a score is not finite")
        values, complete = mean[None], False
        ids: list[str] = []
        arrays = path.parent / content["per_example"] if content.get("per_example") else None
        if arrays is not None and arrays.is_file():
            values, ids = _read_sidecar(arrays, path, content, shape)
            complete = True
        return cls(
            model=content["model"],
            adapter=content.get("adapter"),
            probe=content["probe"],
            mode=content["mode"],
            per_example=values,
            ids=ids,
            skipped=content.get("n_skipped", {}),
            options=content.get("options", {}),
            data_sha256=content.get("data_sha256", ""),
            identity=content.get("identity", ""),
            complete=complete,
        )


def sidecar(path: Path) -> Path:
    """Where the scores of every example lie."""
    return path.with_name(path.name.removesuffix(".json") + ".npz")


def _read_sidecar(
    arrays: Path, path: Path, content: dict[str, Any], shape: tuple[int, int]
) -> tuple[Float[Tensor, "examples layers heads"], list[str]]:
    """Scores of every example with their ids, where they are those that the JSON file is of."""
    import numpy as np
    import torch

    hint = f"put the right file back, or delete {arrays.name}: then the mean is used"
    packed = arrays.read_bytes()
    known = content.get("per_example_sha256")
    if known and hashlib.sha256(packed).hexdigest() != known:
        raise UserError(f"{arrays}: holds other scores than {path.name} is of", hint)
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as kept:
            values, ids = kept["scores"], [str(name) for name in kept["ids"]]
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{arrays}: broken: {error}", hint) from None
    if values.shape[1:] != shape:
        raise UserError(f"{arrays}: scores of shape {values.shape}, {path.name} has {shape}", hint)
    return torch.from_numpy(values), ids


def _plain(values: Float[Tensor, "layers heads"]) -> list[list[float | None]]:
    """As JSON, which has no NaN."""
    return [[None if math.isnan(v) else v for v in row] for row in values.tolist()]


Trials = Literal["all", "even", "odd"]


def import_wu(path: Path, *, trials: Trials = "all", model: str | None = None) -> HeadScores:
    """Read Wu et al.'s form, `"layer-head": [score of every successful trial]`; may be gzipped.

    Parameters
    ----------
    trials : "all", or every second one: "even" (0, 2, ..) or "odd".
    model : name for the file; by default from the file's own.

    Raises
    ------
    UserError : another form, a head missing, unequal numbers of trials, a score that is not finite.
    """
    import torch

    content = read_json(path)
    parts = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
    columns: dict[tuple[int, int], list[float]] = {}
    if not isinstance(content, dict) or not content:
        raise UserError(f'{path}: not a file of "layer-head" lists')
    for name, values in content.items():
        layer, dash, head = str(name).partition("-")
        if not (dash and layer.isdigit() and head.isdigit()) or not isinstance(values, list):
            raise UserError(f'{path}: {name!r}: not "layer-head" with a list of scores')
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
            raise UserError(f"{path}: {name}: a score is not a finite number")
        columns[int(layer), int(head)] = values
    n_layers = 1 + max(layer for layer, _ in columns)
    n_heads = 1 + max(head for _, head in columns)
    lengths = {len(values) for values in columns.values()}
    if len(columns) != n_layers * n_heads or len(lengths) != 1 or lengths == {0}:
        raise UserError(
            f"{path}: {len(columns)} heads with {sorted(lengths)} trials; "
            f"{n_layers} x {n_heads} of one number of trials are wanted"
        )
    order = [columns[layer, head] for layer in range(n_layers) for head in range(n_heads)]
    every = torch.tensor(order, dtype=torch.float64).T.reshape(-1, n_layers, n_heads)
    name = model or path.name.removesuffix(".gz").removesuffix(".json").removeprefix("head_scores_")
    return HeadScores(
        model=name,
        probe="wu",
        mode="niah",
        per_example=every[parts[trials]],
        options={"imported": path.name, "trials": trials},
    )


def export_wu(scores: HeadScores, path: Path) -> None:
    """Write Wu et al.'s form; whole numbers as integers, as the published files have them.

    Raises
    ------
    UserError : the scores of single examples are not there.
    """
    if not scores.complete:
        raise UserError("the scores of every example are wanted", "keep the .npz beside the JSON")
    content = {}
    for layer in range(scores.n_layers):
        for head in range(scores.n_heads):
            values = scores.per_example[:, layer, head].tolist()
            content[f"{layer}-{head}"] = [int(v) if v == int(v) else v for v in values]
    with atomic_writer(path) as stream:
        stream.write(json.dumps(content).encode())


def over_one(scores: HeadScores) -> int:
    """Number of per-trial scores above 1, which Wu et al.'s code gives through repeated tokens."""
    return int((scores.per_example > 1 + 1e-9).sum())
