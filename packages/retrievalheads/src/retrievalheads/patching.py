"""Activations of one adapter in another, head by head, in lock-step (section 3.9)."""

import random
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tenpapers.models.heads import Hooks

from .head_scores import head_set, ranked
from .knockout import as_mask, layout_of

Positions = Literal["all", "decode"]
TARGET, SOURCE = "target", "source"


class HeadTransfer(Hooks):
    """Takes z of chosen heads in one pass of a model and puts it into the next.

    Parameters
    ----------
    model : peft model with both adapters, or any pair that shares modules.
    heads : BoolTensor[L, H], query heads.

    Attributes
    ----------
    mode : "off", "take" or "put".
    first_row : rows before it are not overwritten.
    """

    def __init__(self, model: Any, heads: Any) -> None:
        super().__init__()
        self.layout = layout_of(model)
        self.mode: Literal["off", "take", "put"] = "off"
        self.first_row = 0
        self._taken: dict[int, Any] = {}
        for layer in self.layout.attention_layers:
            if bool(heads[layer].any()):
                # The outer module of a peft wrapper: its input is z, whatever is inside.
                projection = self.layout.projection(layer).module
                hook = self._on_input(layer, heads[layer].to(projection.weight.device))
                self._handles.append(projection.register_forward_pre_hook(hook))

    def _on_input(self, layer: int, chosen: Any) -> Any:
        shape = self.layout.geometry

        def move(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            z, *rest = arguments
            if self.mode == "take":
                self._taken[layer] = z
            if self.mode != "put":
                return None
            form = (*z.shape[:2], shape.n_heads, shape.head_dim)
            where = chosen[None, None, :, None].expand(form)
            if self.first_row:
                where = where.clone()
                where[:, : self.first_row] = False
            patched = z.view(form).where(~where, self._taken[layer].view(form))
            return (patched.view_as(z), *rest)

        return move


@contextmanager
def _adapter(model: Any, name: str) -> Any:
    before = model.active_adapter
    model.set_adapter(name)
    try:
        yield
    finally:
        model.set_adapter(before)


class LockStep:
    """Target and source on the same tokens, each with its own key-value cache.

    Parameters
    ----------
    model : peft model with two adapters.
    heads : (layer, head) whose z the target takes from the source.
    target, source : names of the adapters.
    positions : "all" passes and rows, or "decode": the last prompt token and what follows.

    Raises
    ------
    ValueError : a head that the model does not have, or one named twice.
    """

    def __init__(
        self,
        model: Any,
        heads: Sequence[tuple[int, int]],
        *,
        target: str = TARGET,
        source: str = SOURCE,
        positions: Positions = "all",
    ) -> None:
        self.model = model
        self.names = {"source": source, "target": target}
        self.positions = positions
        shape = layout_of(model).geometry
        self.heads = as_mask(heads, shape.n_layers, shape.n_heads)
        self.caches: dict[str, Any] = {"source": None, "target": None}

    def run(self, ids: Any) -> Any:
        """Feed tokens LongTensor[1, n] to both; logits of the patched target, [1, n, words]."""
        with HeadTransfer(self.model, self.heads) as transfer:
            if bool(self.heads.any()):
                transfer.mode = "take"
                self._pass("source", ids)
            transfer.mode = "put"
            transfer.first_row = ids.shape[1] - 1 if self.positions == "decode" else 0
            return self._pass("target", ids)

    def _pass(self, side: str, ids: Any) -> Any:
        import torch

        with _adapter(self.model, self.names[side]), torch.inference_mode():
            out = self.model(ids, past_key_values=self.caches[side], use_cache=True)
        self.caches[side] = out.past_key_values
        return out.logits


def patched_generate(
    model: Any,
    heads: Sequence[tuple[int, int]],
    inputs: Any,
    *,
    target: str = TARGET,
    source: str = SOURCE,
    positions: Positions = "all",
    max_new_tokens: int = 32,
    stop: Any = None,
) -> Any:
    """Greedy answer of the target with the source's activations in some heads; LongTensor[T].

    Both read the token that the *patched target* chose. The source's activations are those of its
    own, unpatched stream.

    Parameters
    ----------
    model : peft model with both adapters (see `two_adapters`).
    inputs : LongTensor[1, n].
    stop : test for tokens that end the answer.
    """
    import torch

    steps = LockStep(model, heads, target=target, source=source, positions=positions)
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

    from .loading import ATTENTION, check_base, read_state
    from .rope import extend_context

    states = {path: read_state(path) for path in (target, source)}
    for path, state in states.items():
        check_base(lm, path, state)
        if (path / ATTENTION).is_file():
            raise UserError(f"{path}: patching needs LoRA adapters", "train without --no-lora")
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
    sizes = {
        "complement": len(complement), "intersection": len(intersection), "pool": len(pool)
    }  # fmt: skip
    size = min(len(complement), len(intersection))
    if match_size and size:
        complement, intersection = complement[:size], intersection[:size]
    count = min(len(pool), size or max(len(complement), len(intersection)))
    return PatchArms(
        complement, intersection, random.Random(f"patch:{seed}").sample(sorted(pool), count), sizes
    )
