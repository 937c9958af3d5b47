"""Activations of one adapter in another, head by head, in lock-step (section 3.9)."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tenpapers.models.heads import Hooks

from ..heads.score_files import head_set, ranked
from .knockout import as_mask, layout_of

Positions = Literal["all", "decode"]
TARGET, SOURCE = "target", "source"


@dataclass(frozen=True)
class Side:
    """One of the two models: a model as it is, or one adapter of a peft model."""

    model: Any
    adapter: str | None = None

    @contextmanager
    def active(self) -> Iterator[None]:
        """The adapter on, for the length of the block."""
        if self.adapter is None:
            yield
            return
        before = self.model.active_adapter
        self.model.set_adapter(self.adapter)
        try:
            yield
        finally:
            self.model.set_adapter(before)


def sides(model: Any) -> tuple[Side, Side]:
    """Target and source of a peft model with the adapters of these names."""
    return Side(model, TARGET), Side(model, SOURCE)


class HeadTransfer(Hooks):
    """Takes z of chosen heads in a pass of the source and puts it into a pass of the target.

    Parameters
    ----------
    target, source : may be one model with two adapters.
    heads : BoolTensor[L, H], query heads.

    Attributes
    ----------
    mode : "off", "take" or "put".
    first_row : rows before it are not overwritten.
    """

    def __init__(self, target: Any, source: Any, heads: Any) -> None:
        super().__init__()
        self.layout = layout_of(target)
        self.mode: Literal["off", "take", "put"] = "off"
        self.first_row = 0
        self._taken: dict[int, Any] = {}
        # The outer modules of a peft wrapper: their input is z, whatever is inside.
        theirs = layout_of(source)
        for layer in self.layout.attention_layers:
            if bool(heads[layer].any()):
                mine = self.layout.projection(layer).module
                chosen = heads[layer].to(mine.weight.device)
                self._handles += [
                    theirs.projection(layer).module.register_forward_pre_hook(self._take(layer)),
                    mine.register_forward_pre_hook(self._put(layer, chosen)),
                ]

    def _take(self, layer: int) -> Any:
        def take(module: Any, arguments: tuple[Any, ...]) -> None:
            if self.mode == "take":
                self._taken[layer] = arguments[0]

        return take

    def _put(self, layer: int, chosen: Any) -> Any:
        shape = self.layout.geometry

        def put(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
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
        target: Any,
        source: Any,
        heads: Sequence[tuple[int, int]],
        *,
        positions: Positions = "all",
    ) -> None:
        self.target = target if isinstance(target, Side) else Side(target)
        self.source = source if isinstance(source, Side) else Side(source)
        self.positions = positions
        shape = layout_of(self.target.model).geometry
        if layout_of(self.source.model).geometry != shape:
            raise ValueError("target and source have different shapes")
        self.heads = as_mask(heads, shape.n_layers, shape.n_heads)
        self._caches: dict[str, Any] = {}

    def run(self, ids: Any) -> Any:
        """Feed tokens LongTensor[1, n] to both; logits of the patched target, [1, n, words]."""
        with HeadTransfer(self.target.model, self.source.model, self.heads) as transfer:
            if bool(self.heads.any()):
                transfer.mode = "take"
                self._pass("source", self.source, ids)
            transfer.mode = "put"
            transfer.first_row = ids.shape[1] - 1 if self.positions == "decode" else 0
            return self._pass("target", self.target, ids)

    def _pass(self, name: str, side: Side, ids: Any) -> Any:
        import torch

        with side.active(), torch.inference_mode():
            out = side.model(ids, past_key_values=self._caches.get(name), use_cache=True)
        self._caches[name] = out.past_key_values
        return out.logits


def patched_generate(
    target: Any,
    source: Any,
    heads: Sequence[tuple[int, int]],
    inputs: Any,
    positions: Positions = "all",
    max_new_tokens: int = 32,
    *,
    stop: Any = None,
) -> Any:
    """Greedy answer of the target with the source's activations in some heads; LongTensor[T].

    Both read the token that the *patched target* chose. The source's activations are those of its
    own, unpatched stream.

    Parameters
    ----------
    target, source : models, or `Side`s of one peft model (see `two_adapters` and `sides`).
    heads : (layer, head), query heads.
    inputs : LongTensor[1, n].
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


def two_adapters(lm: Any, target: Path, source: Path) -> Any:
    """One base with two LoRA adapters, named "target" and "source".

    Raises
    ------
    UserError : an adapter of another base, or two that extend the context differently.
    """
    from dataclasses import replace

    from peft import PeftModel
    from tenpapers.errors import UserError

    from ..training.context_extension import extend_context
    from ..training.tuned_model import ATTENTION, check_base, read_state, require_safetensors

    states = {path: read_state(path) for path in (target, source)}
    for path, state in states.items():
        check_base(lm, path, state)
        if (path / ATTENTION).is_file():
            raise UserError(f"{path}: patching needs LoRA adapters", "train without --no-lora")
        require_safetensors(path)
    if states[target]["theta"] != states[source]["theta"]:
        raise UserError(f"{target} and {source}: trained with different RoPE bases")
    extend_context(lm.model, states[target]["context_tokens"], states[target]["theta"])
    model = PeftModel.from_pretrained(lm.model, str(target), adapter_name=TARGET)
    model.load_adapter(str(source), adapter_name=SOURCE)
    model.set_adapter(TARGET)
    return replace(lm, model=model.eval())


@dataclass(frozen=True)
class PatchArms:
    """Heads of each arm; `sizes` before cutting."""

    complement: list[tuple[int, int]]
    intersection: list[tuple[int, int]]
    random: list[tuple[int, int]]
    sizes: dict[str, int]


def patch_arms(
    target: Any, source: Any, *, seed: int = 0, match_size: bool = True, **set_rule: Any
) -> PatchArms:
    """The head sets of the paper's patching tables.

    Parameters
    ----------
    target, source : FloatTensor[L, H], scores of the synthetic-trained and the real-trained model.
    match_size : cut all arms to the smaller of complement and intersection.
    set_rule : of `head_set`.
    """
    mine, real = head_set(target, **set_rule), head_set(source, **set_rule)
    order = [(layer, head) for layer, head, _ in ranked(source)]
    complement = [head for head in order if real[head] and not mine[head]]
    intersection = [head for head in order if real[head] and mine[head]]
    pool = [head for head in order if not real[head] and not mine[head]]
    sizes = {"complement": len(complement), "intersection": len(intersection), "pool": len(pool)}
    size = min(len(complement), len(intersection))
    if match_size and size:
        complement, intersection = complement[:size], intersection[:size]
    count = min(len(pool), size or max(len(complement), len(intersection)))
    return PatchArms(
        complement, intersection, random.Random(f"patch:{seed}").sample(sorted(pool), count), sizes
    )
