"""Loading causal language models and tokenizers with transformers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError, first_line
from .embedded import embedded_path
from .spec import BACKENDS, EMBEDDED, ModelSpec, parse_spec

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


# The device that means all there are, as accelerate spreads a model over them.
SPREAD = "auto"


@dataclass
class CausalLM:
    """A loaded model with its tokenizer.

    Parameters
    ----------
    model : transformers causal LM in eval mode.
    tokenizer : pads on the left; has a pad token, without changing the embeddings.
    name : as in the model spec.
    identity : hash of all that its answers depend on, see `identity.model_identity`.
    weights : what its adapters belong to, see `identity.weights_identity`.
    template_options : what its chat template gets besides messages.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    name: str
    identity: str
    weights: str = ""
    template_options: dict[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 0) or 1 << 30)


def resolve_name(name: str) -> str:
    """Turn an embedded model's name into its folder; other names stay."""
    return str(embedded_path(name)) if name in EMBEDDED else name


def not_loaded(what: str, error: Exception) -> UserError:
    """The error of what neither lies here nor came from the hub."""
    return UserError(
        f"{what}: cannot be loaded: {first_line(error)}",
        "without network, pass a local folder or an embedded model (smollm2; of encoders minilm)",
    )


def load_tokenizer(spec: str) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of a model spec or of a folder.

    Raises
    ------
    UserError : it cannot be loaded, or what `spec` names (a server, a recording) has none here.
    """
    from transformers import AutoTokenizer

    name, revision = spec, None
    while name.partition(":")[0] in BACKENDS:  # ray: has a spec inside
        parsed = parse_spec(name)
        if parsed.backend in ("openai", "replay"):
            raise UserError(f"{spec}: has no tokenizer here", "pass --tokenizer FOLDER or smollm2")
        name, revision = parsed.name, parsed.options.get("revision")
    try:
        return AutoTokenizer.from_pretrained(resolve_name(name), revision=revision)
    except (OSError, ValueError) as error:
        raise not_loaded(f"tokenizer {spec}", error) from None


def device_and_dtype(
    spec: ModelSpec, *, dtype: str | None = None, device: str | None = None
) -> tuple[str, str]:
    """Where and as what a model is loaded: float32 on CPU, else "auto", its checkpoint's dtype."""
    import torch

    gpu = torch.cuda.is_available()
    device = device or spec.options.get("device") or ("cuda" if gpu else "cpu")
    given = dtype or spec.options.get("dtype")
    on_cpu = device == "cpu" or (device == SPREAD and not gpu)
    return device, given or ("float32" if on_cpu else "auto")


def load_causal_lm(
    spec: ModelSpec | str, *, dtype: str | None = None, device: str | None = None
) -> CausalLM:
    """Load a causal LM in this process: float32 on CPU, the checkpoint's dtype on GPU.

    Parameters
    ----------
    spec : an `hf:` spec; options `dtype`, `device`, `revision`.
    dtype, device : win over the options of `spec`; device "auto" spreads the layers over all GPUs,
        and what they cannot hold over memory and disk.

    Raises
    ------
    UserError : not an `hf` spec, unknown model, unreachable hub, unknown dtype or device.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    spec = parse_spec(spec)
    if spec.backend != "hf":
        raise UserError(f"{spec}: this needs the weights in process", "use an hf: spec")
    transformers_logging.disable_progress_bar()
    device, wanted = device_and_dtype(spec, dtype=dtype, device=device)
    loaded_dtype = wanted if wanted == "auto" else getattr(torch, wanted, None)
    if loaded_dtype is None:
        raise UserError(f"{spec}: unknown dtype {wanted!r}", "float32, bfloat16 or float16")
    path = resolve_name(spec.name)
    if path.startswith(("/", ".")) and not Path(path).exists():
        raise UserError(f"{spec}: no such folder {path}")
    try:
        revision = spec.options.get("revision")
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(
            path,
            revision=revision,
            dtype=loaded_dtype,
            device_map=SPREAD if device == SPREAD else None,
        )
    except (OSError, ValueError) as error:
        raise not_loaded(str(spec), error) from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if getattr(model.config.get_text_config(), "attn_logit_softcapping", None) is not None:
        model.set_attn_implementation("eager")  # SDPA leaves the cap of Gemma 2's logits out
    try:
        model = (model if device == SPREAD else model.to(device)).eval()  # type: ignore[arg-type]  # a wrapper hides its types
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"{spec}: device {device!r}: {first_line(error)}") from None
    from .identity import model_identity, weights_identity

    identity = model_identity(spec, dtype=str(model.dtype).removeprefix("torch."))
    weights = weights_identity(spec)
    return CausalLM(model, tokenizer, spec.name, identity, weights, spec.template_options)
