"""LoRA through peft: rank 8 on the query and value projections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..inputs.encoding import Encoding, Examples
from ..offsets.adapter import CONFIG, WEIGHTS, read_adapter_config
from ..records import FitConfig, FitLog
from .intervention import fit_attached, tensors_digest

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from peft.tuners.lora import LoraLayer
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class _Wrapped:
    """A peft model around the base; `remove()` unwraps it."""

    def __init__(self, wrapped: PeftModel, strength: float = 1.0) -> None:
        self._wrapped = wrapped
        if strength != 1.0:
            for layer in _lora_layers(wrapped):
                layer.scale_layer(strength)

    def remove(self) -> None:
        self._wrapped.unload()


@dataclass(frozen=True)
class LoraAdapter:
    """A peft LoRA folder; `tensors` are its weights, `config` its settings."""

    tensors: dict[str, Tensor]
    config: LoraConfig

    def attach(self, model: PreTrainedModel, *, strength: float = 1.0) -> _Wrapped:
        """Put it on a model; `strength` scales what the low-rank factors add."""
        from peft import get_peft_model, set_peft_model_state_dict

        wrapped = get_peft_model(model, self.config)
        set_peft_model_state_dict(wrapped, self.tensors)
        wrapped.eval()
        return _Wrapped(wrapped, strength)

    @property
    def n_parameters(self) -> int:
        """Numbers of all low-rank factors."""
        return sum(int(value.numel()) for value in self.tensors.values())

    def digest(self) -> str:
        """Hash of the weights."""
        return tensors_digest(self.tensors, self.config.r, self.config.lora_alpha)

    def save(self, folder: Path) -> None:
        """Write peft's own folder."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        self.config.save_pretrained(str(folder))
        plain = {name: value.detach().cpu().contiguous() for name, value in self.tensors.items()}
        save_file(plain, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> LoraAdapter:
        """Read peft's folder.

        Raises
        ------
        UserError : no adapter in it.
        """
        from peft import PeftConfig
        from safetensors.torch import load_file

        read_adapter_config(folder)
        if not (folder / WEIGHTS).exists():
            raise UserError(f"{folder / WEIGHTS}: no such file", f"beside {CONFIG}")
        config = PeftConfig.from_pretrained(str(folder))
        config.inference_mode = False
        return cls(load_file(folder / WEIGHTS), config)


def fit_lora(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    config: FitConfig,
    *,
    rank: int = 8,
    alpha: int = 16,
    dropout: float = 0.05,
    state: Path | None = None,
    encoding: Encoding | None = None,
) -> tuple[LoraAdapter, FitLog]:
    """Train LoRA with the losses and schedule of everything else; dropout acts in its layers."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

    torch.manual_seed(config.seed)  # peft draws its first values and dropout from the global state
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=AttentionLayout.from_model(model).family.query_and_value,
    )
    wrapped = get_peft_model(model, settings)
    parameters = {name: value for name, value in wrapped.named_parameters() if value.requires_grad}
    plain = _Wrapped(wrapped)
    try:
        log = fit_attached(
            model,
            tokenizer,
            dataset,
            parameters,
            lambda: _training(wrapped, parameters),
            config=config,
            label="LoRA",
            state=state,
            encoding=encoding,
        )
        found = get_peft_model_state_dict(wrapped)
        tensors = {name: value.detach().cpu().clone() for name, value in found.items()}
    finally:
        plain.remove()
    settings.base_model_name_or_path = str(model.config.name_or_path)
    return LoraAdapter(tensors, settings), log


def _lora_layers(wrapped: PeftModel) -> list[LoraLayer]:
    from peft.tuners.lora import LoraLayer

    return [module for module in wrapped.modules() if isinstance(module, LoraLayer)]


class _Dropout:
    """LoRA's dropout is on while the rest of the model stays in eval mode."""

    def __init__(self, layers: list[Module]) -> None:
        self._layers = layers

    def remove(self) -> None:
        for layer in self._layers:
            layer.eval()


def _training(wrapped: PeftModel, parameters: dict[str, Tensor]) -> _Dropout:
    for parameter in parameters.values():
        parameter.requires_grad_(True)  # `frozen` took every gradient away
    layers = [module for name, module in wrapped.named_modules() if ".lora_dropout" in name]
    for layer in layers:
        layer.train()
    return _Dropout(layers)
