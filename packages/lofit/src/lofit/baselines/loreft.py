"""LoReFT: a low-rank edit of the residual stream after every layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..heads.residual_hooks import OutputEdits
from ..inputs.encoding import Encoding, Examples
from ..records import FitConfig, FitLog
from .intervention import base_fields, fit_attached, load_tensors, save_tensors, tensors_digest

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..heads.residual_hooks import Edit, State


@dataclass(frozen=True)
class ReftAdapter:
    """h <- h + R^T (W h + b - R h), R with orthonormal rows.

    Parameters
    ----------
    raw : R^T is its orthonormal factor (QR), a layer at a time.
    weight : W.
    bias : b.
    base : what the JSON says of the base model.
    """

    raw: Float[Tensor, "layers hidden rank"]
    weight: Float[Tensor, "layers rank hidden"]
    bias: Float[Tensor, "layers rank"]
    base: dict[str, str]

    def attach(self, model: PreTrainedModel, *, strength: float = 1.0) -> OutputEdits:
        """Put it on a model."""
        layers = AttentionLayout.from_model(model).layers
        if self.raw.shape[:2] != (len(layers), model.config.hidden_size):
            raise UserError(f"ReFT tensors of shape {tuple(self.raw.shape)} do not fit the model")
        edits = [self._edit(layer) for layer in range(len(layers))]
        return OutputEdits(layers, edits, strength=strength)

    def _edit(self, layer: int) -> Edit:
        import torch

        def edit(state: State) -> State:
            turned = torch.linalg.qr(self.raw[layer]).Q.to(state.device)  # (hidden, rank)
            h = state.to(turned.dtype)
            inner = h @ self.weight[layer].T.to(h) + self.bias[layer].to(h) - h @ turned
            return state + (inner @ turned.T).to(state)

        return edit

    @property
    def n_parameters(self) -> int:
        """Numbers of R, W and b."""
        return int(self.raw.numel() + self.weight.numel() + self.bias.numel())

    def digest(self) -> str:
        """Hash of the tensors."""
        return tensors_digest({"raw": self.raw, "weight": self.weight, "bias": self.bias})

    def save(self, folder: Path) -> None:
        """Write its folder."""
        tensors = {"raw": self.raw, "weight": self.weight, "bias": self.bias}
        save_tensors(folder, "LOREFT", tensors, **self.base)

    @classmethod
    def load(cls, folder: Path) -> ReftAdapter:
        """Read its folder."""
        _, tensors = load_tensors(folder)
        return cls(tensors["raw"], tensors["weight"], tensors["bias"], {})


def fit_reft(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    config: FitConfig,
    *,
    rank: int = 8,
    state: Path | None = None,
    encoding: Encoding | None = None,
) -> tuple[ReftAdapter, FitLog]:
    """Train the edit; it begins as (nearly) none: W starts at R."""
    import torch

    n_layers, hidden = model.config.num_hidden_layers, model.config.hidden_size
    draw = torch.Generator().manual_seed(config.seed)
    raw = torch.randn((n_layers, hidden, rank), generator=draw)
    weight = torch.linalg.qr(raw).Q.transpose(1, 2).contiguous()
    tensors = {
        "raw": raw.to(model.device).requires_grad_(True),
        "weight": weight.to(model.device).requires_grad_(True),
        "bias": torch.zeros((n_layers, rank), device=model.device, requires_grad=True),
    }
    adapter = ReftAdapter(**tensors, base=base_fields(model.config))
    log = fit_attached(
        model,
        tokenizer,
        dataset,
        tensors,
        lambda: adapter.attach(model),
        config=config,
        label="LoReFT",
        state=state,
        encoding=encoding,
    )
    learned = {name: value.detach() for name, value in tensors.items()}
    return ReftAdapter(**learned, base=adapter.base), log
