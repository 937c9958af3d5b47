"""RED: scale and shift the MLP output of every layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..heads.residual_hooks import OutputEdits, mlp_modules
from ..inputs.encoding import Encoding, Examples
from ..records import FitConfig, FitLog
from .intervention import base_fields, fit_attached, load_tensors, save_tensors, tensors_digest

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..heads.residual_hooks import Edit


@dataclass(frozen=True)
class RedAdapter:
    """h <- s * h + b after each MLP; `base` is what the JSON says of the base model."""

    scale: Float[Tensor, "layers hidden"]
    bias: Float[Tensor, "layers hidden"]
    base: dict[str, str]

    def attach(self, model: PreTrainedModel, *, strength: float = 1.0) -> OutputEdits:
        """Put it on a model."""
        modules = mlp_modules(AttentionLayout.from_model(model))
        if self.scale.shape != (len(modules), model.config.hidden_size):
            raise UserError(f"RED vectors of shape {tuple(self.scale.shape)} do not fit the model")
        edits = [self._edit(layer) for layer in range(len(modules))]
        return OutputEdits(modules, edits, strength=strength)

    def _edit(self, layer: int) -> Edit:
        return lambda state: state * self.scale[layer].to(state) + self.bias[layer].to(state)

    @property
    def n_parameters(self) -> int:
        """Two numbers a layer and channel."""
        return int(2 * self.scale.numel())

    def digest(self) -> str:
        """Hash of the vectors."""
        return tensors_digest({"scale": self.scale, "bias": self.bias})

    def save(self, folder: Path) -> None:
        """Write its folder."""
        save_tensors(folder, "RED", {"scale": self.scale, "bias": self.bias}, **self.base)

    @classmethod
    def load(cls, folder: Path) -> RedAdapter:
        """Read its folder."""
        _, tensors = load_tensors(folder)
        return cls(tensors["scale"], tensors["bias"], {})


def fit_red(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    config: FitConfig,
    *,
    state: Path | None = None,
    encoding: Encoding | None = None,
) -> tuple[RedAdapter, FitLog]:
    """Train the vectors, from s = 1 and b = 0."""
    import torch

    shape = (model.config.num_hidden_layers, model.config.hidden_size)
    scale = torch.ones(shape, device=model.device, requires_grad=True)
    bias = torch.zeros(shape, device=model.device, requires_grad=True)
    adapter = RedAdapter(scale, bias, base_fields(model.config))
    log = fit_attached(
        model,
        tokenizer,
        dataset,
        {"scale": scale, "bias": bias},
        lambda: adapter.attach(model),
        config=config,
        label="RED",
        state=state,
        encoding=encoding,
    )
    return RedAdapter(scale.detach(), bias.detach(), adapter.base), log
