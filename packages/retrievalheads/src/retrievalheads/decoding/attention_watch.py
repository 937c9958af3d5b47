"""See what goes into a model's attention: queries, keys, values, as transformers hands them over.

transformers lets an attention function be registered. Ours first shows its arguments to whoever
watches and then calls the function that the model had before, so nothing of the result changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.models.heads import Hooks
from tenpapers.models.layout import base_model_of

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Shaped
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    # An attention function as transformers calls it: output, and weights where they are computed.
    Attention = Callable[..., tuple[Tensor, Tensor | None]]

# In front of the name of the attention function that is watched, such as "sdpa".
NAME = "retrievalheads_watched_"
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
    module : the attention module.
    settings : what else the model hands to its attention: scale, softcap, sinks.
    """

    layer: int
    query: Float[Tensor, "batch heads n head_dim"]
    key: Float[Tensor, "batch kv_heads m head_dim"]
    value: Float[Tensor, "batch kv_heads m head_dim"]
    mask: Shaped[Tensor, "batch 1 n m"] | None
    window: int | None
    module: Module | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def visible(self) -> Bool[Tensor, "batch 1 n m"] | None:
        """The mask as booleans, or None where it is plainly causal."""
        if self.mask is None or not self.mask.dtype.is_floating_point:
            return self.mask
        return self.mask == 0

    def weights(
        self, rows: Int[Tensor, " rows"], bias: Float[Tensor, "batch rows m"] | None
    ) -> Float[Tensor, "batch heads rows m"]:
        """Attention weights of a few rows, by the model's own eager code: its scale, cap and sinks.

        Parameters
        ----------
        rows : counted from the first query of this pass.
        bias : added to the logits, -inf where a row does not see a key; None where it sees all.
        """
        assert self.module is not None
        mask = None if bias is None else bias[:, None].to(self.query.dtype)
        query = self.query[:, :, rows]
        _, weights = eager_of(self.module)(
            self.module, query, self.key, self.value, mask, **self.settings
        )
        assert weights is not None  # which eager attention always gives
        return weights.float()


class AttentionWatch(Hooks):
    """Shows the attention of every layer to a function, until removed.

    Parameters
    ----------
    model : transformers causal LM, or a peft model around one.
    see : called with an `AttentionInput` in every layer of every pass.

    Raises
    ------
    UserError : the model does not go through transformers' attention interface, or caps its logits
        (Gemma 2) and was loaded with an attention that leaves the cap out.
    """

    def __init__(self, model: PreTrainedModel, see: Callable[[AttentionInput], None]) -> None:
        super().__init__()
        self.model = base_model_of(model)
        self._see = see
        self._before = str(self.model.config._attn_implementation)
        watched = NAME + self._before.removeprefix(NAME)
        capped = getattr(self.model.config, "attn_logit_softcapping", None) is not None
        if capped and watched == f"{NAME}sdpa":
            raise UserError(
                f"{self.model.config.model_type}: caps its attention logits, SDPA leaves that out",
                'load it with attn_implementation="eager"',
            )
        _register(watched)
        self.model.set_attn_implementation(watched)
        if self.model.config._attn_implementation != watched:
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
        if not left and not self._before.startswith(NAME):
            self.model.set_attn_implementation(self._before)


def eager_of(module: Module) -> Attention:
    """The plain attention function that stands beside an attention module's class.

    Raises
    ------
    UserError : there is none.
    """
    home = sys.modules[type(module).__module__]
    found: Attention | None = getattr(home, "eager_attention_forward", None)
    if found is None:
        raise UserError(
            f"{type(module).__name__}: attention cannot be read", "it has no eager form"
        )
    return found


def _register(name: str) -> None:
    """Tell transformers about a watched attention function; a second call does nothing."""
    from transformers import AttentionInterface, AttentionMaskInterface

    before = name.removeprefix(NAME)
    known = AttentionInterface()
    if name in known:
        return

    def attend(
        module: Module,
        query: Float[Tensor, "batch heads n head_dim"],
        key: Float[Tensor, "batch kv_heads m head_dim"],
        value: Float[Tensor, "batch kv_heads m head_dim"],
        attention_mask: Shaped[Tensor, "batch 1 n m"] | None,
        **settings: Any,
    ) -> tuple[Float[Tensor, "batch n heads head_dim"], Float[Tensor, "batch heads n m"] | None]:
        for see in getattr(module, _WATCHERS, ()):
            window = settings.get("sliding_window")
            layer = int(module.layer_idx)  # type: ignore[arg-type]  # a number that attention has
            see(AttentionInput(layer, query, key, value, attention_mask, window, module, settings))
        forward = eager_of(module) if before == "eager" else known[before]
        return forward(module, query, key, value, attention_mask, **settings)

    AttentionInterface.register(name, attend)
    AttentionMaskInterface.register(name, AttentionMaskInterface()[before])
