"""See what goes into a model's attention: queries, keys, values, as transformers hands them over.

transformers lets an attention function be registered. Ours first shows its arguments to whoever
watches and then computes the output with SDPA, so nothing of the result changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.models.heads import Hooks
from tenpapers.models.layout import base_model_of

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

NAME = "retrievalheads_watched"
_WATCHERS = "_retrievalheads_watchers"


@dataclass(frozen=True)
class AttentionInput:
    """Arguments of one layer's attention in one pass.

    Parameters
    ----------
    layer : its number.
    query : of the n tokens of this pass.
    key, value : of m tokens, m - n of them from the cache; a head of them serves several queries.
    mask : bool (True is visible) or additive; None is causal.
    window : visible keys of a sliding window, or None.
    """

    layer: int
    query: Float[Tensor, "batch heads n head_dim"]
    key: Float[Tensor, "batch kv_heads m head_dim"]
    value: Float[Tensor, "batch kv_heads m head_dim"]
    mask: Shaped[Tensor, "batch 1 n m"] | None
    window: int | None

    @property
    def visible(self) -> Bool[Tensor, "batch 1 n m"] | None:
        """The mask as booleans, or None where it is plainly causal."""
        if self.mask is None or not self.mask.dtype.is_floating_point:
            return self.mask
        return self.mask == 0


class AttentionWatch(Hooks):
    """Shows the attention of every layer to a function, until removed.

    Parameters
    ----------
    model : transformers causal LM, or a peft model around one.
    see : called with an `AttentionInput` in every layer of every pass.

    Raises
    ------
    UserError : the model does not go through transformers' attention interface.
    """

    def __init__(self, model: PreTrainedModel, see: Callable[[AttentionInput], None]) -> None:
        super().__init__()
        self.model = base_model_of(model)
        self._see = see
        self._before = self.model.config._attn_implementation
        _register()
        self.model.set_attn_implementation(NAME)
        if self.model.config._attn_implementation != NAME:
            raise UserError(
                f"{self.model.config.model_type}: attention cannot be read",
                "its code does not go through transformers' attention interface",
            )
        for module in self._attentions():
            if not hasattr(module, _WATCHERS):
                setattr(module, _WATCHERS, [])
            getattr(module, _WATCHERS).append(see)

    def _attentions(self) -> list[Module]:
        modules = self.model.modules()
        return [m for m in modules if isinstance(getattr(m, "layer_idx", None), int)]

    def remove(self) -> None:
        """Stop watching; the model's own attention function comes back with the last watcher."""
        left: list[Callable[[AttentionInput], None]] = []
        for module in self._attentions():
            left = getattr(module, _WATCHERS, [])
            if self._see in left:
                left.remove(self._see)
            if not left and hasattr(module, _WATCHERS):
                delattr(module, _WATCHERS)
        if not left and self._before != NAME:
            self.model.set_attn_implementation(self._before)


def _register() -> None:
    """Tell transformers about the attention function and its mask; a second call does nothing."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attend(
        module: Module,
        query: Float[Tensor, "batch heads n head_dim"],
        key: Float[Tensor, "batch kv_heads m head_dim"],
        value: Float[Tensor, "batch kv_heads m head_dim"],
        attention_mask: Shaped[Tensor, "batch 1 n m"] | None,
        **settings: Any,
    ) -> tuple[Float[Tensor, "batch n heads head_dim"], None]:
        for see in getattr(module, _WATCHERS, ()):
            window = settings.get("sliding_window")
            layer = int(module.layer_idx)  # type: ignore[arg-type]  # a number that attention has
            see(AttentionInput(layer, query, key, value, attention_mask, window))
        return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
