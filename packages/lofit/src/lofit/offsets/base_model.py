"""Which base an adapter belongs to: loaded where none is named, and no other is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.models import CausalLM, ModelSpec, load_causal_lm, parse_spec
from tenpapers.models.identity import weights_identity
from tenpapers.models.layout import O_PROJ_PATTERN, base_model_of, set_o_proj_pattern
from tenpapers.records import read_json, write_json

from ..heads.ranking import AdapterMismatchError
from .adapter import CONFIG, read_adapter_config

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

# peft's own folder has a configuration that peft alone writes; what it belongs to lies beside it.
_BASE = "base.json"


def record_base(folder: Path, lm: CausalLM, *, chat: bool) -> None:
    """Write into an adapter's folder which weights it belongs to.

    Parameters
    ----------
    chat : whether it was made with prompts in the model's chat template.
    """
    config = read_adapter_config(folder)
    file = folder / (_BASE if config.get("peft_type") == "LORA" else CONFIG)
    content = read_json(file) if file.exists() else {}
    named = {
        "base_model_name_or_path": lm.name,
        "base_weights": lm.weights,
        "chat_template": chat,
        O_PROJ_PATTERN: getattr(lm.model.config, O_PROJ_PATTERN, None),
    }
    write_json(file, content | named)


def _recorded(folder: Path) -> dict[str, Any]:
    config = read_adapter_config(folder)
    if (folder / _BASE).exists():
        config |= read_json(folder / _BASE)
    return config


def base_spec(adapter: Path | None) -> str:
    """Model spec of an adapter's own base; the embedded model without an adapter.

    Raises
    ------
    UserError : no adapter in the folder.
    """
    name = (_recorded(adapter).get("base_model_name_or_path") if adapter else "") or "smollm2"
    try:
        parse_spec(name)
    except UserError:  # the id of a hub's model
        return f"hf:{name}"
    return str(name)


def made_with_chat(adapter: Path | None) -> bool:
    """Whether an adapter was made with prompts in the model's chat template."""
    return bool(adapter and _recorded(adapter).get("chat_template"))


def o_proj_pattern(adapter: Path | None) -> str | None:
    """Where the heads of an adapter's base are, if it is of an unknown family."""
    return _recorded(adapter).get(O_PROJ_PATTERN) if adapter else None


def load_base(
    adapter: Path, *, dtype: str | None = None, device: str | None = None, model: str = ""
) -> CausalLM:
    """Load the base that an adapter names, and check that it is still what it was.

    Parameters
    ----------
    dtype, device : see `load_causal_lm`.
    model : another model spec of the same weights.

    Raises
    ------
    UserError : see `load_causal_lm`.
    AdapterMismatchError : other weights lie there now.
    """
    lm = load_causal_lm(model or base_spec(adapter), dtype=dtype, device=device)
    set_o_proj_pattern(lm.model, o_proj_pattern(adapter))
    check_base(adapter, lm)
    return lm


def check_base(adapter: Path, lm: CausalLM) -> None:
    """Refuse an adapter that says that it belongs to other weights.

    Raises
    ------
    AdapterMismatchError : it does.
    """
    known = _recorded(adapter)
    name = known.get("base_model_name_or_path") or ""
    check_weights(str(adapter), name, known.get("base_weights") or "", lm.name, lm.weights)


def check_weights(adapter: str, base: str, wanted: str, model: str, weights: str) -> None:
    """Compare two identities of weights; what is not known ("") is not refused.

    Raises
    ------
    AdapterMismatchError : they differ.
    """
    if wanted and weights and wanted != weights:
        raise AdapterMismatchError(
            f"{adapter}: belongs to other weights than {model}",
            f"it was trained on {base}, as that was then",
        )


def known_weights(model: PreTrainedModel | PeftModel) -> str:
    """Identity of the checkpoint that a model was loaded from, "" where it is from none at hand.

    What was trained into it since is not seen: a loaded model does not say that it was changed.
    """
    config = base_model_of(model).config
    name = str(config.name_or_path or "")
    if not name:
        return ""
    commit = getattr(config, "_commit_hash", None)
    if not Path(name).is_dir() and not commit:
        return ""
    try:
        return weights_identity(ModelSpec("hf", name, {"revision": commit} if commit else {}))
    except UserError:
        return ""
