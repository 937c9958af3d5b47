"""Does the merged folder, loaded plainly, compute what the hooked model computes?

The check is not optional politeness: transformers silently ignores a projection bias that a class
does not have, and the "edited" model then behaves exactly like the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..inputs.encoding import prompt_ids
from .adapter import LofitAdapter

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PROMPTS = (
    "The capital of France is",
    "Q: What do bees make?\nA:",
    "Once upon a time there was a fox who",
    "In the year 1969, the first people to",
)
# In float64 too: norms and rotary tables are computed in float32 all the same.
TOLERANCE = {"float64": 1e-5, "float32": 1e-3, "bfloat16": 0.1, "float16": 0.1}


@dataclass(frozen=True)
class MergeReport:
    """What was compared.

    Parameters
    ----------
    max_abs_logit_diff : between merged and hooked, over all prompts and positions.
    greedy_agreement : share of prompts with the same greedy tokens, 16 where nothing else is asked.
    max_abs_change : between merged and base; 0 means that the edit was lost.
    tolerance : of `max_abs_logit_diff`.
    ok : within tolerance, and different from the base.
    """

    max_abs_logit_diff: float
    greedy_agreement: float
    max_abs_change: float
    tolerance: float
    ok: bool

    def text(self) -> str:
        """For a terminal."""
        return (
            f"merged against hooked: largest logit difference {self.max_abs_logit_diff:.2g} "
            f"(tolerance {self.tolerance:g}), greedy texts equal {self.greedy_agreement:.0%}; "
            f"against the base: {self.max_abs_change:.2g}"
        )

    def as_dict(self) -> dict[str, Any]:
        """For `verify.json`."""
        return asdict(self)


def verify_merge(
    model: PreTrainedModel,
    adapter: LofitAdapter,
    merged: Path | PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] = PROMPTS,
    *,
    all_positions: bool = False,
    length: int = 16,
) -> MergeReport:
    """Compare a merged model with the hooked one.

    Parameters
    ----------
    model : the base, without hooks.
    merged : folder, reloaded with plain `AutoModelForCausalLM`, or a model.
    texts : at least four prompts.
    all_positions : as in `merge.merge`.
    length : greedy tokens that are compared.
    """
    import torch

    if isinstance(merged, Path):
        from transformers import AutoModelForCausalLM

        merged = AutoModelForCausalLM.from_pretrained(merged, dtype=model.dtype)
    merged.to(model.device)  # type: ignore[arg-type]  # a wrapper hides its types
    merged.eval()
    tolerance = TOLERANCE[str(model.dtype).removeprefix("torch.")]
    largest = changed = 0.0
    agree = 0
    for text in texts:
        ids = torch.tensor([prompt_ids(tokenizer, text)], device=model.device)
        with torch.inference_mode():
            plain = model(ids).logits.double()
            ours = merged(ids).logits.double()
            hooks = adapter.attach(model)
            if all_positions:
                hooks.scope = slice(None)  # type: ignore[union-attr]
            with hooks:
                hooked = model(ids).logits.double()
                text_hooked = _greedy(model, ids, length)
        largest = max(largest, float((ours - hooked).abs().max()))
        changed = max(changed, float((ours - plain).abs().max()))
        agree += _greedy(merged, ids, length) == text_hooked
    inert = not bool(adapter.values.any())
    return MergeReport(
        largest,
        agree / len(texts),
        changed,
        tolerance,
        largest <= tolerance and (inert or changed > 0),
    )


def _greedy(model: PreTrainedModel, ids: Int[Tensor, "1 tokens"], length: int) -> list[int]:
    import torch

    with torch.inference_mode():
        generated = model.generate(  # type: ignore[operator]  # of a mixin
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=length,
            pad_token_id=0,
        )
    return [int(token) for token in generated[0, ids.shape[1] :]]
