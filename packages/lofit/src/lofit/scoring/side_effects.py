"""What an adapter does to ordinary text (section 5.4): cross-entropy, and KL from the base."""

from collections.abc import Sequence
from typing import Any

from tenpapers.models import CausalLM

from ..baselines.common import Intervention

DOCUMENTS, TOKENS = 100, 128


def side_effects(
    lm: CausalLM,
    intervention: Intervention,
    documents: Sequence[str],
    *,
    n: int = DOCUMENTS,
    tokens: int = TOKENS,
) -> dict[str, float]:
    """Cross-entropy (nats a token) of base and adapted model, and KL(base || adapted) a token.

    Parameters
    ----------
    documents : generic texts; the first `n`, each cut to `tokens` tokens.
    """
    import torch

    totals: dict[str, float] = {"ce_base": 0.0, "ce_adapted": 0.0, "kl": 0.0}
    count = 0
    for text in documents[:n]:
        ids = lm.tokenizer(text, truncation=True, max_length=tokens)["input_ids"]
        if len(ids) < 2:
            continue
        made = torch.tensor([ids], device=lm.model.device)
        base = _logprobs(lm.model, made)
        hooks = intervention.attach(lm.model)
        try:
            adapted = _logprobs(lm.model, made)
        finally:
            hooks.remove()
        target = made[0, 1:, None]
        totals["ce_base"] -= float(base.gather(1, target).sum())
        totals["ce_adapted"] -= float(adapted.gather(1, target).sum())
        totals["kl"] += float((base.exp() * (base - adapted)).sum())
        count += len(ids) - 1
    return {name: value / max(1, count) for name, value in totals.items()} | {"tokens": count}


def _logprobs(model: Any, ids: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(ids).logits[0, :-1].float().log_softmax(-1)
