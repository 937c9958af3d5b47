"""The model inside a peft wrapper, and where its heads are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def base_model_of(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """The transformers model itself, where peft has wrapped it."""
    unwrap = getattr(model, "get_base_model", None)  # without importing peft
    base: PreTrainedModel = unwrap() if unwrap else model
    return base


def layout_of(model: PreTrainedModel | PeftModel) -> AttentionLayout:
    """The heads of a model or of the model inside a peft wrapper."""
    return AttentionLayout.from_model(base_model_of(model))
