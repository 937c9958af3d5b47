"""Model specs, the embedded models, loading, and access to attention heads."""

from .embedded import embedded_path
from .heads import HeadCapture
from .layout import AttentionLayout, Head, HeadGeometry, UnsupportedModelError
from .loading import CausalLM, load_causal_lm, load_tokenizer
from .spec import ModelSpec, parse_spec

__all__ = [
    "AttentionLayout",
    "CausalLM",
    "Head",
    "HeadCapture",
    "HeadGeometry",
    "ModelSpec",
    "UnsupportedModelError",
    "embedded_path",
    "load_causal_lm",
    "load_tokenizer",
    "parse_spec",
]
