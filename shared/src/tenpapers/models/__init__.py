"""Model specs, the embedded models, loading, and access to attention heads."""

from .embedded import embedded_path
from .heads import HeadCapture, OffsetHeads, ScaleHeads
from .layout import AttentionLayout, Head, HeadGeometry, UnsupportedModelError
from .loading import CausalLM, load_causal_lm
from .rows import RowProbe
from .spec import ModelSpec, parse_spec
from .watching import AttentionInput, AttentionWatch

__all__ = [
    "AttentionInput",
    "AttentionLayout",
    "AttentionWatch",
    "CausalLM",
    "Head",
    "HeadCapture",
    "HeadGeometry",
    "ModelSpec",
    "OffsetHeads",
    "RowProbe",
    "ScaleHeads",
    "UnsupportedModelError",
    "embedded_path",
    "load_causal_lm",
    "parse_spec",
]
