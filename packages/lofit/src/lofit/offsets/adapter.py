"""An adapter on disk: a JSON and a safetensors file, laid out as PEFT does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, Head, HeadGeometry
from tenpapers.models.layout import O_PROJ_PATTERN, base_model_of
from tenpapers.records import read_json, write_json, write_text

from ..heads.edits import OffsetHeads, ScaleHeads
from ..heads.ranking import AdapterMismatchError, check_geometry, check_heads, geometry_fields
from ..training.supervised_forward import input_device

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

CONFIG, WEIGHTS, CARD = "adapter_config.json", "adapter_model.safetensors", "README.md"
# What changes between checkpoints of one model without changing what it computes.
_VOLATILE = (
    "transformers_version",
    "_name_or_path",
    "dtype",
    "torch_dtype",
    "use_cache",
    O_PROJ_PATTERN,
)


def config_hash(config: PreTrainedConfig) -> str:
    """Hash what a transformers configuration says of the computation."""
    content = {k: v for k, v in config.to_dict().items() if k not in _VOLATILE}
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LofitAdapter:
    """Offsets on K heads, or scales on all: the whole change of a model.

    Parameters
    ----------
    heads : in falling order of score; for scales all of them.
    values : float32; offset v, shape (K, head_dim), or scale A, shape (layers, heads, head_dim).
    geometry : of the model it belongs to.
    component : "offset" or "scale".
    method : "lofit", or the baseline that made the vectors ("iti").
    positions : which tokens are edited in generation: "all", or the "last" as ITI does.
    base_model : name or path of the base.
    base_hash : see `config_hash`.
    base_weights : of the base, see `tenpapers.models.identity.weights_identity`; "" if not known.
    chat : whether prompts stood in the chat template; None is not known.
    o_proj_pattern : where the heads of an unknown family are.
    task : what it was trained on.
    scores : of the heads, in their order.
    train : settings of the training.
    """

    heads: list[Head]
    values: Float[Tensor, "*heads head_dim"]
    geometry: HeadGeometry
    component: Literal["offset", "scale"] = "offset"
    method: str = "lofit"
    positions: Literal["all", "last"] = "all"
    base_model: str = ""
    base_hash: str = ""
    base_weights: str = ""
    chat: bool | None = None
    o_proj_pattern: str | None = None
    task: str = ""
    scores: list[float] = field(default_factory=list)
    train: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def for_model(
        cls,
        config: PreTrainedConfig,
        heads: list[Head],
        values: Float[Tensor, "*heads head_dim"],
        **more: Any,
    ) -> LofitAdapter:
        """Make an adapter for a model with this configuration; `more` are its other fields."""
        return cls(
            heads,
            values,
            HeadGeometry.from_config(config),
            base_model=str(config.name_or_path),
            base_hash=config_hash(config),
            o_proj_pattern=getattr(config, O_PROJ_PATTERN, None),
            **more,
        )

    @property
    def offset(self) -> Float[Tensor, "heads head_dim"]:
        """The offsets v, float32."""
        return self.values

    @property
    def n_parameters(self) -> int:
        """How many numbers the adapter holds."""
        return int(self.values.numel())

    def attach(self, model: PreTrainedModel, *, strength: float = 1.0) -> OffsetHeads | ScaleHeads:
        """Put the adapter on a model by hooks; `remove()` takes it off.

        Raises
        ------
        AdapterMismatchError : the model has another shape, or is of another family.
        """
        layout = AttentionLayout.from_model(model, o_proj_pattern=self.o_proj_pattern)
        check_geometry("adapter", geometry_fields(self.geometry), layout.geometry)
        family = layout.geometry.model_type
        if self.geometry.model_type and family and self.geometry.model_type != family:
            raise AdapterMismatchError(
                f"adapter: made for {self.geometry.model_type}, not {family}"
            )
        values = self.values.to(input_device(base_model_of(model)))
        if self.component == "scale":
            return ScaleHeads(layout, values, strength=strength)
        scope = slice(-1, None) if self.positions == "last" else slice(None)
        return OffsetHeads(layout, self.heads, values, strength=strength, scope=scope)

    def digest(self) -> str:
        """Hash of everything that changes the model's output."""
        content = [[list(head) for head in self.heads], self.component, self.positions]
        data = json.dumps(content).encode() + self.values.numpy().tobytes()
        return hashlib.sha256(data).hexdigest()

    def save(self, folder: Path) -> None:
        """Write the adapter's folder: config, weights, a card."""
        import torch
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        values = self.values.detach().cpu().float().contiguous()
        tensors: dict[str, Tensor] = {self.component: values}
        if self.component == "offset":
            tensors["heads"] = torch.tensor(self.heads, dtype=torch.int32)
        save_file(tensors, folder / WEIGHTS)
        write_json(
            folder / CONFIG,
            {
                "peft_type": "LOFIT",
                "format_version": 1,
                "base_model_name_or_path": self.base_model,
                "base_config_hash": self.base_hash,
                "base_weights": self.base_weights,
                "chat_template": self.chat,
                O_PROJ_PATTERN: self.o_proj_pattern,
                "model_type": self.geometry.model_type,
                **geometry_fields(self.geometry),
                "hidden_size": self.geometry.hidden_size,
                "heads": [list(head) for head in self.heads],
                "scores": self.scores,
                "component": self.component,
                "insertion": "o_proj_input",
                "method": self.method,
                "positions": self.positions,
                "task": self.task,
                "train": self.train,
                "seed": self.train.get("seed"),
            },
        )
        write_text(folder / CARD, self._card())

    def _card(self) -> str:
        shown = ", ".join(f"{layer}.{head}" for layer, head in self.heads[:32])
        more = " ..." if len(self.heads) > 32 else ""
        return (
            f"# LoFiT adapter ({self.method}, {self.component})\n\n"
            f"Base model: `{self.base_model}` ({self.geometry.model_type}). "
            f"Task: {self.task or 'not named'}. {self.n_parameters} numbers on "
            f"{len(self.heads)} heads (layer.head): {shown}{more}.\n\n"
            "```python\nfrom lofit import LofitModel\n\n"
            'model = LofitModel.from_pretrained("this/folder")\n```\n'
        )

    @classmethod
    def load(cls, folder: Path) -> LofitAdapter:
        """Read an adapter's folder.

        Raises
        ------
        UserError : no adapter in the folder, another kind of adapter, a newer format.
        """
        config = read_adapter_config(folder)
        if config.get("peft_type") != "LOFIT":
            raise UserError(f"{folder}: a {config.get('peft_type')} adapter, LOFIT is wanted")
        if config.get("format_version") != 1:
            raise UserError(f"{folder}: format {config.get('format_version')}, 1 is known")
        tensors = read_tensors(folder)
        geometry = HeadGeometry(
            model_type=config["model_type"],
            n_layers=config["num_layers"],
            n_heads=config["num_heads"],
            n_kv_heads=config["num_kv_heads"],
            head_dim=config["head_dim"],
            hidden_size=config["hidden_size"],
        )
        component = config["component"]
        if component not in tensors:
            raise UserError(f"{folder / WEIGHTS}: no tensor {component!r} in it")
        heads = check_heads(str(folder / CONFIG), config["heads"], geometry)
        values = tensors[component]
        expected = (
            (len(heads), geometry.head_dim)
            if component == "offset"
            else (geometry.n_layers, geometry.n_heads, geometry.head_dim)
        )
        if tuple(values.shape) != expected:
            raise AdapterMismatchError(
                f"{folder / WEIGHTS}: {component} of shape {tuple(values.shape)}, not {expected}"
            )
        return cls(
            heads,
            values,
            geometry,
            component=component,
            method=config.get("method", "lofit"),
            positions=config.get("positions", "all"),
            base_model=config.get("base_model_name_or_path", ""),
            base_hash=config.get("base_config_hash", ""),
            base_weights=config.get("base_weights", ""),
            chat=config.get("chat_template"),
            o_proj_pattern=config.get(O_PROJ_PATTERN),
            task=config.get("task", ""),
            scores=config.get("scores", []),
            train=config.get("train", {}),
        )


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """Read the JSON of any adapter's folder.

    Raises
    ------
    UserError : no adapter in it.
    """
    if not (folder / CONFIG).exists():
        raise UserError(f"{folder}: no adapter in it", f"{CONFIG} is wanted")
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict):
        raise UserError(f"{folder / CONFIG}: a JSON object is wanted")
    return config


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Read the safetensors of an adapter's folder.

    Raises
    ------
    UserError : missing or broken file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = folder / WEIGHTS
    if not file.exists():
        raise UserError(f"{file}: no such file")
    try:
        return dict(load_file(file))
    except SafetensorError as error:
        raise UserError(f"{file}: not a safetensors file: {error}") from None
