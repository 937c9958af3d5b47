"""Representation engineering: reading vectors added to the residual stream (our settings)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..heads.activations import layer_states
from ..heads.residual_hooks import OutputEdits
from ..inputs.encoding import Encoding, answer_ids, prompt_ids
from ..records import ContrastItem
from .intervention import base_fields, load_tensors, save_tensors, tensors_digest

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..heads.residual_hooks import Edit


@dataclass(frozen=True)
class RepeAdapter:
    """h_l <- h_l + c * u_l after each layer of a window, at all positions.

    Parameters
    ----------
    directions : unit vectors of all layers, float32.
    window : layers [first, end) that are edited.
    coefficient : c.
    base : what the JSON says of the base model.
    """

    directions: Float[Tensor, "layers hidden"]
    window: tuple[int, int]
    coefficient: float
    base: dict[str, str]

    def attach(self, model: PreTrainedModel, *, strength: float = 1.0) -> OutputEdits:
        """Put it on a model."""
        layers = AttentionLayout.from_model(model).layers
        if len(layers) != len(self.directions):
            raise UserError(f"RepE vectors of {len(self.directions)} layers, not {len(layers)}")
        first, end = self.window
        edits = [_adder(self.coefficient * self.directions[i]) for i in range(first, end)]
        return OutputEdits(layers[first:end], edits, strength=strength)

    @property
    def n_parameters(self) -> int:
        """Numbers of the edited layers."""
        first, end = self.window
        return int((end - first) * self.directions.shape[1])

    def digest(self) -> str:
        """Hash of vectors and settings."""
        return tensors_digest({"d": self.directions}, self.window, self.coefficient)

    def save(self, folder: Path) -> None:
        """Write its folder."""
        save_tensors(
            folder,
            "REPE",
            {"directions": self.directions},
            window=list(self.window),
            coefficient=self.coefficient,
            **self.base,
        )

    @classmethod
    def load(cls, folder: Path) -> RepeAdapter:
        """Read its folder."""
        config, tensors = load_tensors(folder)
        first, end = config["window"]
        return cls(tensors["directions"], (first, end), config["coefficient"], {})


def _adder(vector: Float[Tensor, " hidden"]) -> Edit:
    return lambda state: state + vector.to(state)


def default_window(n_layers: int) -> tuple[int, int]:
    """The middle third of the layers."""
    return n_layers // 3, n_layers - n_layers // 3


def reading_vectors(
    positive: Float[Tensor, "pairs layers hidden"],
    negative: Float[Tensor, "pairs layers hidden"],
    *,
    seed: int,
) -> Float[Tensor, "layers hidden"]:
    """First principal component of the differences, a layer at a time.

    Half of the differences change their sign before they are centred, so that the direction in
    which pairs differ carries the variance. The sign is fixed so that positives project higher.

    Parameters
    ----------
    positive, negative : states of the two sides of each pair.

    Returns
    -------
    Unit vectors, float32.
    """
    import torch

    gaps = (positive - negative).double()
    draw = torch.Generator().manual_seed(seed)
    flipped = torch.ones(len(gaps), dtype=torch.float64)
    flipped[torch.randperm(len(gaps), generator=draw)[: len(gaps) // 2]] = -1
    mixed = gaps * flipped[:, None, None]
    centred = (mixed - mixed.mean(0)).transpose(0, 1)
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:, 0]
    higher = torch.einsum("nld,ld->l", gaps, components)
    return (components * torch.where(higher < 0, -1.0, 1.0)[:, None]).float()


def fit_repe(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    items: Sequence[ContrastItem],
    *,
    window: tuple[int, int] | None = None,
    coefficient: float = 1.0,
    seed: int = 42,
    chat: bool = False,
    batch_size: int = 16,
) -> RepeAdapter:
    """Make reading vectors from the first right and wrong answer of each item.

    Raises
    ------
    UserError : fewer than two pairs, or a window outside the layers.
    """
    pairs = [item for item in items if item.positive and item.negative]
    if len(pairs) < 2:
        raise UserError(f"{len(pairs)} contrast pairs, RepE needs two")
    n_layers = model.config.num_hidden_layers
    first, end = window or default_window(n_layers)
    if not 0 <= first < end <= n_layers:
        raise UserError(f"window {first}..{end} is not within 0..{n_layers}")
    sides = []
    for side in ("positive", "negative"):
        ids = [
            prompt_ids(tokenizer, item.prompt, chat=chat)
            + answer_ids(tokenizer, getattr(item, side)[0], item.prompt, Encoding(chat=chat))
            for item in pairs
        ]
        sides.append(layer_states(model, ids, batch_size=batch_size))
    vectors = reading_vectors(*sides, seed=seed)
    return RepeAdapter(vectors, (first, end), coefficient, base_fields(model.config))
