"""LoReFT: a low-rank edit of the residual stream after every layer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..heads.residual_hooks import OutputEdits
from ..heads.select import Examples
from ..records import FitConfig, FitLog
from .common import base_fields, fit_attached, load_tensors, save_tensors, tensors_digest


@dataclass(frozen=True)
class ReftAdapter:
    """h <- h + R^T (W h + b - R h), R with orthonormal rows.

    Parameters
    ----------
    raw : shape (n_layers, hidden, rank); R^T is its orthonormal factor (QR).
    weight : W, shape (n_layers, rank, hidden).
    bias : b, shape (n_layers, rank).
    """

    raw: Any
    weight: Any
    bias: Any
    base: dict[str, Any]

    def attach(self, model: Any) -> OutputEdits:
        """Put it on a model."""
        layers = AttentionLayout.from_model(model).layers
        if self.raw.shape[:2] != (len(layers), model.config.hidden_size):
            raise UserError(f"ReFT tensors of shape {tuple(self.raw.shape)} do not fit the model")
        return OutputEdits(layers, [self._edit(i) for i in range(len(layers))])

    def _edit(self, layer: int) -> Any:
        import torch

        def edit(state: Any) -> Any:
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
    def load(cls, folder: Path) -> "ReftAdapter":
        """Read its folder."""
        _, tensors = load_tensors(folder)
        return cls(tensors["raw"], tensors["weight"], tensors["bias"], {})


def fit_reft(
    model: Any,
    tokenizer: Any,
    dataset: Examples,
    config: FitConfig,
    *,
    rank: int = 8,
    **more: Any,
) -> tuple[ReftAdapter, FitLog]:
    """Train the edit; it begins as (nearly) none: W starts at R."""
    import torch

    n_layers, hidden = model.config.num_hidden_layers, model.config.hidden_size
    draw = torch.Generator().manual_seed(config.seed)
    raw = torch.randn((n_layers, hidden, rank), generator=draw)
    weight = torch.linalg.qr(raw).Q.transpose(1, 2).contiguous()
    made = {
        "raw": raw.to(model.device).requires_grad_(True),
        "weight": weight.to(model.device).requires_grad_(True),
        "bias": torch.zeros((n_layers, rank), device=model.device, requires_grad=True),
    }
    adapter = ReftAdapter(**made, base=base_fields(model.config))
    log = fit_attached(
        model,
        tokenizer,
        dataset,
        made,
        lambda: adapter.attach(model),
        config,
        label="LoReFT",
        **more,
    )
    done = {name: value.detach() for name, value in made.items()}
    return ReftAdapter(**done, base=adapter.base), log
