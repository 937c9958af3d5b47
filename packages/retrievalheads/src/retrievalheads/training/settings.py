"""Settings of a training, and of which model a command reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Device, Dtype, OProjPattern

# Whose heads are read or tuned: in this process, so no server.
Model = Annotated[str, typer.Option("--model", help="Model spec: smollm2 or hf:ID.")]
MaxExamples = Annotated[
    int | None,
    typer.Option("--max-examples", "--limit", help="Only the first N examples.", min=1),
]


@dataclass(frozen=True, kw_only=True)
class BaseSettings:
    """A model without an adapter."""

    model: Model = "smollm2"
    device: Device = None
    dtype: Dtype = None
    o_proj_pattern: OProjPattern = None

    def key(self, command: str) -> dict[str, Any]:
        """What the results of a command depend on, models by their content; for its journal."""
        from tenpapers.journal import key_of, known_by
        from tenpapers.models.identity import identity_as_loaded

        found = known_by(
            self.model, identity_as_loaded(self.model, dtype=self.dtype, device=self.device)
        )
        return key_of(command, self, without=("device", "dtype"), model=found)


@dataclass(frozen=True, kw_only=True)
class ModelSettings(BaseSettings):
    """A model, with an adapter or without."""

    adapter: Annotated[Path | None, typer.Option(help="Folder that `train` wrote.")] = None

    def key(self, command: str) -> dict[str, Any]:
        """See `BaseSettings.key`."""
        key = super().key(command)
        if self.adapter is None:
            return key
        from tenpapers.journal import known_by

        from .adapter_folder import tuned_identity

        return key | {"adapter": known_by(str(self.adapter), tuned_identity(self.adapter))}


NativeContext = Annotated[
    int | None,
    typer.Option(help="Tokens that the model was trained at [its configuration's].", min=8),
]
NativeTheta = Annotated[
    float | None, typer.Option(help="RoPE base of that training [its configuration's].")
]


@dataclass(frozen=True, kw_only=True)
class ExtendedModelSettings(ModelSettings):
    """A model whose context may be extended without an adapter."""

    rope: Annotated[
        str, typer.Option(help="Context extension without an adapter: ntk, theta=V or none.")
    ] = "none"
    context_tokens: Annotated[
        int | None, typer.Option(help="Tokens to read, for --rope.", min=8)
    ] = None
    native_context: NativeContext = None
    native_theta: NativeTheta = None


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training; the paper's values are not public, these are our defaults."""

    context_tokens: Annotated[
        int, typer.Option(help="Length to extend to; longer examples are an error.", min=8)
    ] = 512
    rope: Annotated[str, typer.Option(help="Context extension: ntk, theta=V or none.")] = "ntk"
    native_context: NativeContext = None
    native_theta: NativeTheta = None
    lora_r: Annotated[int, typer.Option(help="Rank of LoRA on q, k, v, o.", min=1)] = 16
    lora_alpha: Annotated[int, typer.Option(help="LoRA's scale times its rank.")] = 32
    lora_dropout: Annotated[float, typer.Option(help="Dropout in front of LoRA.")] = 0.05
    no_lora: Annotated[
        bool, typer.Option("--no-lora/--lora", help="Tune the attention weights themselves.")
    ] = False
    lr: Annotated[float, typer.Option(help="Peak learning rate of AdamW.")] = 2e-4
    warmup: float = 0.03  # share of the steps
    min_lr: float = 0.1  # where the cosine ends, times the peak
    weight_decay: float = 0.0
    clip: float = 1.0  # norm of the gradient at most
    batch_size: Annotated[int, typer.Option(help="Sequences a step.", min=1)] = 16
    micro_batch: Annotated[int, typer.Option(help="Sequences at a time.", min=1)] = 1
    epochs: Annotated[float, typer.Option(help="Passes over the data.")] = 2
    seed: Annotated[
        int, typer.Option(help="Of LoRA's start, dropout and the order of the data.")
    ] = 0
    gradient_checkpointing: Annotated[
        bool,
        typer.Option(
            "--gradient-checkpointing/--no-gradient-checkpointing",
            help="Recompute activations, for long contexts.",
        ),
    ] = False
