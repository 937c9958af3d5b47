"""Activations of one adapter in another, head by head, in lock-step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, CausalLM
from tenpapers.models.heads import Hooks

from ..heads.head_sets import as_mask
from ..training.adapter_folder import ATTENTION, read_state, tuned_identity
from ..training.context_extension import extend_context
from ..training.tuned_model import check_base
from .settings import Positions

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from peft import PeftModel
    from torch import Tensor
    from torch.nn import Module
    from transformers import DynamicCache, PreTrainedModel

TARGET, SOURCE = "target", "source"


@dataclass(frozen=True)
class Side:
    """One of the two models: a model as it is, or one adapter of a peft model."""

    model: PreTrainedModel | PeftModel
    adapter: str | None = None

    @contextmanager
    def active(self) -> Iterator[None]:
        """The adapter on, for the length of the block."""
        if self.adapter is None:
            yield
            return
        before = str(self.model.active_adapter)
        self.model.set_adapter(self.adapter)
        try:
            yield
        finally:
            self.model.set_adapter(before)


def sides(model: PeftModel) -> tuple[Side, Side]:
    """Target and source of a peft model with the adapters of these names."""
    return Side(model, TARGET), Side(model, SOURCE)


class HeadTransfer(Hooks):
    """Takes z of chosen heads in a pass of the source and puts it into a pass of the target.

    Parameters
    ----------
    target, source : may be one model with two adapters.
    heads : query heads.

    Attributes
    ----------
    mode : "off", "take" or "put".
    first_row : rows before it are not overwritten.
    """

    def __init__(
        self,
        target: PreTrainedModel,
        source: PreTrainedModel,
        heads: Bool[Tensor, "layers heads"],
    ) -> None:
        super().__init__()
        self.layout = AttentionLayout.from_model(target)
        self.mode: Literal["off", "take", "put"] = "off"
        self.first_row = 0
        self._taken: dict[int, Float[Tensor, "batch n width"]] = {}
        # The outer modules of a peft wrapper: their input is z, whatever is inside.
        theirs = AttentionLayout.from_model(source)
        for layer in self.layout.attention_layers:
            if bool(heads[layer].any()):
                mine = self.layout.projection(layer).module
                chosen = heads[layer].to(mine.weight.device)
                self._handles += [
                    theirs.projection(layer).module.register_forward_pre_hook(self._take(layer)),
                    mine.register_forward_pre_hook(self._put(layer, chosen)),
                ]

    def _take(self, layer: int) -> Callable[[Module, tuple[Tensor, ...]], None]:
        def take(module: Module, arguments: tuple[Tensor, ...]) -> None:
            if self.mode == "take":
                self._taken[layer] = arguments[0]

        return take

    def _put(
        self, layer: int, chosen: Bool[Tensor, " heads"]
    ) -> Callable[[Module, tuple[Tensor, ...]], tuple[Tensor, ...] | None]:
        shape = self.layout.geometry

        def put(module: Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if self.mode != "put":
                return None
            z, *rest = arguments
            form = (*z.shape[:2], shape.n_heads, shape.head_dim)
            where = chosen[None, None, :, None].expand(form)
            if self.first_row:
                where = where.clone()
                where[:, : self.first_row] = False
            patched = z.view(form).where(~where, self._taken[layer].to(z).view(form))
            return (patched.view_as(z), *rest)

        return put


class LockStep:
    """Target and source on the same tokens, each with its own key-value cache.

    Parameters
    ----------
    target, source : models, or `Side`s of one peft model.
    heads : (layer, head) whose z the target takes from the source.
    positions : "all" passes and rows, or "decode": the last prompt token and what follows.

    Raises
    ------
    ValueError : a head that the model does not have, one named twice, or models of other shapes.
    """

    def __init__(
        self,
        target: PreTrainedModel | Side,
        source: PreTrainedModel | Side,
        heads: Sequence[tuple[int, int]],
        *,
        positions: Positions = "all",
    ) -> None:
        self.target = target if isinstance(target, Side) else Side(target)
        self.source = source if isinstance(source, Side) else Side(source)
        self.positions = positions
        shape = AttentionLayout.from_model(self.target.model).geometry
        if AttentionLayout.from_model(self.source.model).geometry != shape:
            raise ValueError("target and source have different shapes")
        self.heads = as_mask(heads, shape.n_layers, shape.n_heads)
        self._caches: dict[str, DynamicCache] = {}

    def run(self, ids: Int[Tensor, "1 n"]) -> Float[Tensor, "1 n vocabulary"]:
        """Feed tokens to both; logits of the patched target."""
        with HeadTransfer(self.target.model, self.source.model, self.heads) as transfer:
            if bool(self.heads.any()):
                transfer.mode = "take"
                self._pass("source", self.source, ids)
            transfer.mode = "put"
            transfer.first_row = ids.shape[1] - 1 if self.positions == "decode" else 0
            return self._pass("target", self.target, ids)

    def _pass(
        self, name: str, side: Side, ids: Int[Tensor, "1 n"]
    ) -> Float[Tensor, "1 n vocabulary"]:
        import torch

        with side.active(), torch.inference_mode():
            out = side.model(ids, past_key_values=self._caches.get(name), use_cache=True)
        self._caches[name] = out.past_key_values
        logits: Tensor = out.logits
        return logits


def patched_generate(
    target: PreTrainedModel | Side,
    source: PreTrainedModel | Side,
    heads: Sequence[tuple[int, int]],
    inputs: Int[Tensor, "1 n"],
    positions: Positions = "all",
    max_new_tokens: int = 32,
    *,
    stop: Callable[[int], bool] | None = None,
) -> Int[Tensor, " steps"]:
    """Greedy answer of the target with the source's activations in some heads.

    Both read the token that the *patched target* chose. The source's activations are those of its
    own, unpatched stream.

    Parameters
    ----------
    target, source : models, or `Side`s of one peft model (see `two_adapters` and `sides`).
    heads : (layer, head), query heads.
    inputs : tokens of the prompt.
    positions : see `LockStep`.
    stop : test for tokens that end the answer.

    Raises
    ------
    ValueError : see `LockStep`.
    """
    import torch

    steps = LockStep(target, source, heads, positions=positions)
    logits = steps.run(inputs)
    answer: list[int] = []
    while len(answer) < max_new_tokens:
        token = int(logits[0, -1].argmax())
        if stop is not None and stop(token):
            break
        answer.append(token)
        if len(answer) < max_new_tokens:
            logits = steps.run(torch.tensor([[token]], device=inputs.device))
    return torch.tensor(answer, dtype=torch.long)


def two_adapters(lm: CausalLM, target: Path, source: Path) -> CausalLM:
    """One base with two LoRA adapters, named "target" and "source".

    Raises
    ------
    UserError : an adapter of another base, or two that extend the context differently.
    """
    from peft import PeftModel

    states = {path: read_state(path) for path in (target, source)}
    for path, state in states.items():
        check_base(lm, path, state)
        if (path / ATTENTION).is_file():
            raise UserError(f"{path}: patching needs LoRA adapters", "train without --no-lora")
        tuned_identity(path)  # says so where no weights are
    if states[target]["theta"] != states[source]["theta"]:
        raise UserError(f"{target} and {source}: trained with different RoPE bases")
    extend_context(lm.model, states[target]["context_tokens"], states[target]["theta"])
    model = PeftModel.from_pretrained(lm.model, str(target), adapter_name=TARGET)
    model.load_adapter(str(source), adapter_name=SOURCE)
    model.set_adapter(TARGET)
    return replace(lm, model=model.eval())
