"""Does the merged folder, loaded plainly, compute what the hooked model computes?

The check is not optional politeness: transformers silently ignores a projection bias that a class
does not have, and the "edited" model then behaves exactly like the base.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..inputs.encoding import prompt_ids
from .adapter import LofitAdapter

PROMPTS = (
    "The capital of France is",
    "Q: What do bees make?\nA:",
    "Once upon a time there was a fox who",
    "In the year 1969, the first people to",
)
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.1, "float16": 0.1}


@dataclass(frozen=True)
class MergeReport:
    """What was compared.

    Parameters
    ----------
    max_abs_logit_diff : between merged and hooked, over all prompts and positions.
    greedy_agreement : share of prompts with the same 16 greedy tokens.
    max_abs_change : between merged and base; 0 means that the edit was lost.
    tolerance : of `max_abs_logit_diff`.
    ok : within tolerance, and different from the base.
    """

    max_abs_logit_diff: float
    greedy_agreement: float
    max_abs_change: float
    tolerance: float
    ok: bool

    def as_dict(self) -> dict[str, Any]:
        """For `verify.json`."""
        return asdict(self)


def verify_merge(
    model: Any,
    adapter: LofitAdapter,
    merged: Path | Any,
    tokenizer: Any,
    texts: Sequence[str] = PROMPTS,
    *,
    all_positions: bool = False,
) -> MergeReport:
    """Compare a merged model with the hooked one.

    Parameters
    ----------
    model : the base, without hooks.
    merged : folder, reloaded with plain `AutoModelForCausalLM`, or a model.
    texts : at least four prompts.
    all_positions : as in `merging.merge`.
    """
    import torch

    if isinstance(merged, Path):
        from transformers import AutoModelForCausalLM

        merged = AutoModelForCausalLM.from_pretrained(merged, dtype=model.dtype)
    merged = merged.to(model.device).eval()
    tolerance = TOLERANCE[str(model.dtype).removeprefix("torch.")]
    largest = changed = 0.0
    agree = 0
    for text in texts:
        ids = torch.tensor([prompt_ids(tokenizer, text)], device=model.device)
        with torch.inference_mode():
            plain = model(ids).logits.float()
            ours = merged(ids).logits.float()
            hooks = adapter.attach(model)
            if all_positions:
                hooks.scope = slice(None)  # type: ignore[union-attr]
            with hooks:
                hooked = model(ids).logits.float()
                text_hooked = _greedy(model, ids)
        largest = max(largest, float((ours - hooked).abs().max()))
        changed = max(changed, float((ours - plain).abs().max()))
        agree += _greedy(merged, ids) == text_hooked
    inert = not bool(adapter.values.any())
    return MergeReport(
        largest,
        agree / len(texts),
        changed,
        tolerance,
        largest <= tolerance and (inert or changed > 0),
    )


def _greedy(model: Any, ids: Any, tokens: int = 16) -> list[int]:
    import torch

    with torch.inference_mode():
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=tokens,
            pad_token_id=0,
        )
    return [int(token) for token in out[0, ids.shape[1] :]]
