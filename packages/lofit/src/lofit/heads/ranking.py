"""Rankings of heads: scores, order, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tenpapers.errors import UserError
from tenpapers.models import Head, HeadGeometry
from tenpapers.records import read_json, write_json

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    Scale = Float[Tensor, "layers heads head_dim"]

GEOMETRY = ("num_layers", "num_heads", "num_kv_heads", "head_dim")


class AdapterMismatchError(UserError):
    """A file was made for a model of another shape."""


def geometry_fields(geometry: HeadGeometry) -> dict[str, int]:
    """What a file says of the model it belongs to."""
    return {
        "num_layers": geometry.n_layers,
        "num_heads": geometry.n_heads,
        "num_kv_heads": geometry.n_kv_heads,
        "head_dim": geometry.head_dim,
    }


def check_geometry(where: str, found: dict[str, Any], geometry: HeadGeometry) -> None:
    """Compare the shape that a file names with the model's.

    Raises
    ------
    AdapterMismatchError : lists every field that differs.
    """
    expected = geometry_fields(geometry)
    wrong = [
        f"{name} {found[name]} != {expected[name]}"
        for name in GEOMETRY
        if name in found and found[name] != expected[name]
    ]
    if wrong:
        raise AdapterMismatchError(f"{where}: made for another model: {', '.join(wrong)}")


@dataclass(frozen=True)
class HeadRanking:
    """Heads from the best to the worst.

    Parameters
    ----------
    scores : float64, shape (n_layers, n_heads); what the order follows.
    order : all ranked heads, best first.
    method : which selector made it.
    scale : step 1's A, float32, where there is one.
    details : settings and measurements worth keeping.
    """

    scores: np.ndarray
    order: list[Head]
    method: str
    scale: Scale | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def top(self, k: int) -> list[Head]:
        """The first `k` heads.

        Raises
        ------
        UserError : `k` is not within 1 and the number of ranked heads.
        """
        check_k(k, len(self.order), self.scores.size)
        return self.order[:k]

    def save(self, folder: Path, geometry: HeadGeometry) -> None:
        """Write `heads.json`, `scores.npy`, `heads.npy` (official form), `scale.safetensors`."""
        from safetensors.torch import save_file

        write_json(
            folder / "heads.json",
            {
                "scores": self.scores.tolist(),
                "order": [list(head) for head in self.order],
                "method": self.method,
                **geometry_fields(geometry),
                "details": self.details,
            },
        )
        np.save(folder / "scores.npy", self.scores, allow_pickle=False)
        np.save(folder / "heads.npy", np.array(self.order, dtype=np.int64), allow_pickle=False)
        if self.scale is not None:
            save_file({"scale": self.scale.detach().cpu()}, folder / "scale.safetensors")


def check_k(k: int, ranked: int, total: int) -> None:
    """Check a number of heads.

    Raises
    ------
    UserError : outside 1 and the number of heads.
    """
    if not 1 <= k <= total:
        raise UserError(f"K={k} outside 1..{total}", "that is the number of heads of the model")
    if k > ranked:
        raise UserError(f"K={k}: only {ranked} heads are ranked")


def default_k(geometry: HeadGeometry, share: float = 0.03) -> int:
    """Number of heads of a share of all (the paper: 3 %, rounded as in its table), at least 1.

    32 layers of 32 heads give 32, 40 of 40 give 48, 28 of 16 give 16: the paper's own K are the
    multiples of 16 nearest to 3 %; models too small for that take plain rounding.
    """
    wanted = share * geometry.n_layers * geometry.n_heads
    return max(1, round(wanted / 16) * 16 if wanted >= 12 else round(wanted))


def rank_heads(scores: np.ndarray) -> list[Head]:
    """Order all heads by falling score; ties go to the lower layer, then to the lower head.

    Parameters
    ----------
    scores : shape (n_layers, n_heads).
    """
    n_heads = scores.shape[1]
    order = np.argsort(-np.asarray(scores, dtype=np.float64).ravel(), kind="stable")
    return [Head(int(index) // n_heads, int(index) % n_heads) for index in order]


def scale_scores(scale: Scale) -> np.ndarray:
    """L2 norm of each head's vector, float64, shape (n_layers, n_heads)."""
    values = scale.detach().cpu().double().numpy()
    return np.asarray(np.sqrt((values**2).sum(-1)))


def read_heads(file: Path, geometry: HeadGeometry) -> HeadRanking:
    """Read a ranking: `heads.json`, or the official `.npy` with rows (layer, head), best first.

    Raises
    ------
    UserError : unreadable, heads that repeat or do not exist (the first five are named).
    AdapterMismatchError : made for a model of another shape.
    """
    if file.suffix == ".npy":
        order, scores, method = _read_npy(file), None, "file"
    else:
        content = read_json(file)
        if not isinstance(content, dict) or not isinstance(content.get("order"), list):
            raise UserError(f"{file}: no list `order` of [layer, head] pairs in it")
        check_geometry(str(file), content, geometry)
        order, scores = content["order"], content.get("scores")
        method = str(content.get("method", "file"))
    heads = check_heads(str(file), order, geometry)
    shape = (geometry.n_layers, geometry.n_heads)
    if scores is None:
        # Without scores a head's rank is what is known of it.
        known = np.zeros(shape)
        for rank, head in enumerate(heads):
            known[head] = len(heads) - rank
    else:
        known = np.asarray(scores, dtype=np.float64)
        if known.shape != shape:
            raise AdapterMismatchError(f"{file}: scores of shape {known.shape}, expected {shape}")
    return HeadRanking(known, heads, method)


def _read_npy(file: Path) -> list[list[int]]:
    try:
        rows = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{file}: not a plain .npy array: {error}") from None
    if rows.ndim != 2 or rows.shape[1] != 2 or not np.issubdtype(rows.dtype, np.integer):
        raise UserError(f"{file}: an integer array of shape (K, 2) is wanted, not {rows.shape}")
    return [[int(layer), int(head)] for layer, head in rows]


def check_heads(where: str, pairs: Sequence[object], geometry: HeadGeometry) -> list[Head]:
    """Check (layer, head) pairs against a model's shape.

    Raises
    ------
    UserError : pairs that are malformed, repeat or do not exist; the first five are named.
    """
    wrong: list[str] = []
    seen: set[Head] = set()
    heads = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            wrong.append(f"{pair} is no pair")
            continue
        if not all(isinstance(number, int) for number in pair):
            wrong.append(f"{pair} is no pair")
            continue
        head = Head(*pair)
        if not (0 <= head.layer < geometry.n_layers and 0 <= head.head < geometry.n_heads):
            wrong.append(f"({head.layer}, {head.head}) does not exist")
        elif head in seen:
            wrong.append(f"({head.layer}, {head.head}) repeats")
        seen.add(head)
        heads.append(head)
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise UserError(
            f"{where}: {'; '.join(wrong[:5])}{more}",
            f"the model has {geometry.n_layers} layers of {geometry.n_heads} heads",
        )
    if not heads:
        raise UserError(f"{where}: no heads in it")
    return heads
