"""What an adapter does to ordinary text: cross-entropy, and KL from the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from transformers import PreTrainedModel

DOCUMENTS, TOKENS = 100, 128


def side_effects(
    lm: CausalLM,
    intervention: Intervention,
    documents: Sequence[str],
    *,
    strength: float = 1.0,
    n: int = DOCUMENTS,
    tokens: int = TOKENS,
) -> dict[str, float]:
    """Cross-entropy (nats a token) of base and adapted model, and KL(base || adapted) a token.

    Parameters
    ----------
    documents : generic texts; the first `n`, each cut to `tokens` tokens.
    strength : of the intervention.
    """
    import torch

    totals: dict[str, float] = {"ce_base": 0.0, "ce_adapted": 0.0, "kl": 0.0}
    count = 0
    for text in documents[:n]:
        ids = lm.tokenizer(text, truncation=True, max_length=tokens)["input_ids"]
        if len(ids) < 2:
            continue
        document = torch.tensor([ids], device=lm.model.device)
        base = _logprobs(lm.model, document)
        hooks = intervention.attach(lm.model, strength=strength)
        try:
            adapted = _logprobs(lm.model, document)
        finally:
            hooks.remove()
        target = document[0, 1:, None]
        totals["ce_base"] -= float(base.gather(1, target).sum())
        totals["ce_adapted"] -= float(adapted.gather(1, target).sum())
        totals["kl"] += float(kl_divergence(base, adapted).sum())
        count += len(ids) - 1
    return {name: value / max(1, count) for name, value in totals.items()} | {"tokens": count}


def kl_divergence(
    base: Float[Tensor, "tokens vocabulary"], adapted: Float[Tensor, "tokens vocabulary"]
) -> Float[Tensor, " tokens"]:
    """KL(base || adapted) in nats of each token; both are log-probabilities."""
    return (base.exp() * (base - adapted)).sum(-1)


def _logprobs(
    model: PreTrainedModel, ids: Int[Tensor, "1 tokens"]
) -> Float[Tensor, "tokens-1 vocabulary"]:
    import torch

    with torch.inference_mode():
        return model(ids).logits[0, :-1].float().log_softmax(-1)
