"""Loading causal language models with transformers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from .embedded import embedded_path
from .spec import EMBEDDED, ModelSpec, parse_spec


@dataclass
class CausalLM:
    """A loaded model with its tokenizer.

    Parameters
    ----------
    model : transformers causal LM in eval mode.
    tokenizer : pads on the left; has a pad token, without changing the embeddings.
    name : as in the spec.
    revision : commit of the hub or "local".
    """

    model: Any
    tokenizer: Any
    name: str
    revision: str

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""
        return int(getattr(self.model.config, "max_position_embeddings", 0) or 1 << 30)


def resolve_name(name: str) -> str:
    """Turn an embedded model's name into its folder; other names stay."""
    return str(embedded_path(name)) if name in EMBEDDED else name


def load_causal_lm(spec: ModelSpec | str) -> CausalLM:
    """Load a causal LM in this process: float32 on CPU, the checkpoint's dtype on GPU.

    Parameters
    ----------
    spec : an `hf:` spec; options `dtype`, `device`, `revision`.

    Raises
    ------
    UserError : not an `hf` spec, unknown model, unreachable hub, unknown dtype or device.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    spec = parse_spec(spec) if isinstance(spec, str) else spec
    if spec.backend != "hf":
        raise UserError(f"{spec}: this needs the weights in process", "use an hf: spec")
    transformers_logging.disable_progress_bar()
    device = spec.options.get("device") or ("cuda" if torch.cuda.is_available() else "cpu")
    wanted = spec.options.get("dtype") or ("float32" if device == "cpu" else "auto")
    dtype = wanted if wanted == "auto" else getattr(torch, wanted, None)
    if dtype is None:
        raise UserError(f"{spec}: unknown dtype {wanted!r}", "float32, bfloat16 or float16")
    path = resolve_name(spec.name)
    if path.startswith(("/", ".")) and not Path(path).exists():
        raise UserError(f"{spec}: no such folder {path}")
    try:
        revision = spec.options.get("revision")
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(path, revision=revision, dtype=dtype)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(
            f"{spec}: cannot be loaded: {first}",
            "without network, pass a local folder (hf:/path) or the embedded model (smollm2)",
        ) from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    try:
        model = model.to(device).eval()  # type: ignore[arg-type]  # a wrapper hides its types
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"{spec}: device {device!r}: {str(error).splitlines()[0]}") from None
    commit = getattr(model.config, "_commit_hash", None) or "local"
    return CausalLM(model, tokenizer, spec.name, commit)
