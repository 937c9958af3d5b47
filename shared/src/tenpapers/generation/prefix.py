"""What prompts have in common is computed once: their prefix, and rows that begin with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import DynamicCache

from ..errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import Cache, PreTrainedModel
    from transformers.utils import ModelOutput

MIN_PREFIX = 16
_ELSEWHERE = "a state that is not in transformers' cache cannot be batched here"
_INSTEAD = "use a vllm: or openai: model"


class Architecture(NamedTuple):
    """What a model's forward pass takes and how its state can be handled.

    Parameters
    ----------
    state : name of the cache among the arguments and the outputs.
    positions : whether it takes `position_ids`; else the attention mask says them.
    attends : whether its whole state is keys and values of tokens. Such a state can be cut and
        moved, and padding can be masked; a recurrent one (Mamba, Qwen3-Next) can only be selected
        by rows.
    """

    state: str
    positions: bool
    attends: bool

    @classmethod
    def of(cls, model: PreTrainedModel) -> Architecture:
        """Look at a model.

        Raises
        ------
        UserError : it keeps its state where rows cannot be selected.
        """
        import inspect

        from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

        # PEFT's wrapper takes anything and hands it on.
        inner = getattr(model, "get_base_model", lambda: model)()
        takes = inspect.signature(inner.forward).parameters
        states = [name for name in ("past_key_values", "cache_params") if name in takes]
        plain = {DynamicLayer, DynamicSlidingWindowLayer}
        layers = {type(layer) for layer in DynamicCache(config=model.config).layers}
        attends = layers <= plain
        if not states or (attends and getattr(model, "_is_stateful", False)):
            raise UserError(f"{model.config.model_type}: {_ELSEWHERE}", _INSTEAD)
        return cls(states[0], "position_ids" in takes, attends)

    def state_of(self, output: ModelOutput) -> Cache:
        """The cache after a forward pass.

        Raises
        ------
        UserError : one of the architecture's own kind, whose rows we could not select.
        """
        cache = getattr(output, self.state)
        if type(cache) is not DynamicCache:
            raise UserError(f"{type(cache).__name__}: {_ELSEWHERE}", _INSTEAD)
        return cache


class Rows(NamedTuple):
    """Prompts as the rows of one forward pass.

    Parameters
    ----------
    ids : what is left to compute.
    mask : 0 where a row has nothing, over the cache and `ids`.
    cache : what is computed already; None for nothing.
    """

    ids: Int[Tensor, "rows tokens"]
    mask: Int[Tensor, "rows cached_and_tokens"]
    cache: Cache | None


class Prefix:
    """Tokens that all prompts begin with, and their keys and values, computed at once.

    Parameters
    ----------
    model : any that attends, see `Architecture`.
    ids : may be empty.
    """

    def __init__(self, model: PreTrainedModel, ids: Sequence[int]) -> None:
        self.model, self.ids = model, list(ids)
        # A cache that knows of no sliding window keeps the whole prefix.
        self._whole = DynamicCache()
        if self.ids:
            with torch.inference_mode():
                tokens = torch.tensor([self.ids], device=model.device)
                output = model(
                    tokens, past_key_values=self._whole, use_cache=True, logits_to_keep=1
                )
            self.logits = output.logits[0, -1].float()

    def rows(self, prompts: Sequence[Sequence[int]], pad: int) -> Rows:
        """Lay prompts out with all padding on the left.

        Nothing may stand between the prefix and the rest of a shorter prompt: padding would take
        places in a sliding window. So its cached prefix is moved to the right, and those of its
        last tokens that fall off are computed again, where the padding would have been.
        """
        device, cached = self.model.device, len(self.ids)
        width = max(map(len, prompts)) - cached
        moved = [cached + width - len(prompt) for prompt in prompts]
        ids = [[pad] * (width - len(prompt)) + list(prompt[-width:]) for prompt in prompts]
        mask = [[0] * move + [1] * (cached + width - move) for move in moved]
        return Rows(
            torch.tensor(ids, device=device),
            torch.tensor(mask, device=device),
            self.cache(moved) if cached else None,
        )

    def cache(self, moved: Sequence[int]) -> Cache:
        """The cache of rows whose prefix stands so many places further to the right."""
        places = torch.arange(len(self.ids), device=self.model.device)
        # What is left of a row's first token is masked; any number will do.
        places = (places - torch.tensor(moved, device=self.model.device)[:, None]).clamp(min=0)
        cache = DynamicCache(config=self.model.config)
        for layer, (keys, values, _) in enumerate(self._whole):
            keys, values = keys[0][:, places], values[0][:, places]
            cache.update(keys.transpose(0, 1), values.transpose(0, 1), layer)
        return cache


def select_rows(cache: Cache, rows: Int[Tensor, " kept"]) -> None:
    """Keep these rows of a cache, in this order; a row may come twice."""
    cache.reorder_cache(rows)  # type: ignore[arg-type]  # it wants a LongTensor by name


def common_prefix(prompts: Sequence[list[int]]) -> list[int]:
    """Find the tokens all prompts begin with, always leaving each one token of its own."""
    if len(prompts) < 2:
        return []
    low, high = min(prompts), max(prompts)
    limit = min(map(len, prompts)) - 1
    same = 0
    while same < limit and low[same] == high[same]:
        same += 1
    return low[:same] if same >= MIN_PREFIX else []
