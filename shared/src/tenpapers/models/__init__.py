"""Model specs, the embedded models and loading."""

from .embedded import embedded_path
from .loading import CausalLM, load_causal_lm
from .spec import ModelSpec, parse_spec

__all__ = ["CausalLM", "ModelSpec", "embedded_path", "load_causal_lm", "parse_spec"]
