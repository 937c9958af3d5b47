"""A base model with an adapter of ours on it, its context extended as in training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.models import CausalLM, HeadGeometry, load_causal_lm
from tenpapers.models.identity import weights_identity
from tenpapers.models.layout import set_o_proj_pattern
from tenpapers.models.loading import resolve_name
from tenpapers.records import read_json, write_json

from ..inputs.token_spans import encode_prompt, encode_target
from ..records import Example
from .adapter_folder import ATTENTION, read_state, tuned_identity
from .context_extension import ANSWER, chosen_theta, extend_context
from .settings import ExtendedModelSettings, ModelSettings


def load_base(
    model: str,
    dtype: str | None = None,
    device: str | None = None,
    *,
    o_proj_pattern: str | None = None,
) -> CausalLM:
    """Load a causal LM in process; dtype and device win over its spec's.

    Parameters
    ----------
    o_proj_pattern : where the heads of an unknown family are.
    """
    lm = load_causal_lm(model, dtype=dtype, device=device)
    set_o_proj_pattern(lm.model, o_proj_pattern)
    return lm


def local_device() -> str | None:
    """The GPU of this process where a launcher such as torchrun started several, else None."""
    rank = os.environ.get("LOCAL_RANK")
    import torch

    return f"cuda:{rank}" if rank is not None and torch.cuda.is_available() else None


def load_model(
    model: str,
    adapter: Path | None = None,
    *,
    dtype: str | None = None,
    device: str | None = None,
    rope: str = "none",
    context: int | None = None,
    native_context: int | None = None,
    native_theta: float | None = None,
    o_proj_pattern: str | None = None,
) -> CausalLM:
    """Load a model, with the context extension and the weights of an adapter if there is one.

    Parameters
    ----------
    model : model spec.
    adapter : folder that `train` wrote.
    rope, context, native_context, native_theta : extension without an adapter (`chosen_theta`).
    o_proj_pattern : see `load_base`.

    Raises
    ------
    UserError : the adapter was trained on another base, or is none of ours; NTK without a context.
    """
    if rope == "ntk" and not context and adapter is None:
        raise UserError("--rope ntk: extends to how many tokens?", "pass --context-tokens")
    lm = load_base(model, dtype, device, o_proj_pattern=o_proj_pattern)
    if adapter is not None:
        return put_on(lm, adapter)
    if rope != "none":
        wanted = context or lm.context
        theta = chosen_theta(
            lm.model.config,
            rope,
            wanted,
            native_context=native_context,
            native_theta=native_theta,
        )
        extend_context(lm.model, wanted, theta)
    return lm


def load_chosen(settings: ModelSettings) -> CausalLM:
    """Load the model that the settings of a command name."""
    extended = settings if isinstance(settings, ExtendedModelSettings) else None
    return load_model(
        settings.model,
        settings.adapter,
        dtype=settings.dtype,
        device=settings.device,
        rope=extended.rope if extended else "none",
        context=extended.context_tokens if extended else None,
        native_context=extended.native_context if extended else None,
        native_theta=extended.native_theta if extended else None,
        o_proj_pattern=settings.o_proj_pattern,
    )


def put_on(lm: CausalLM, adapter: Path) -> CausalLM:
    """Extend a loaded base as in the adapter's training and put the adapter on."""
    state = read_state(adapter)
    check_base(lm, adapter, state)
    added = tuned_identity(adapter)
    extend_context(lm.model, state["context_tokens"], state["theta"])
    lm = replace(lm, identity=f"{lm.identity}+{added}", weights=f"{lm.weights}+{added}")
    if (adapter / ATTENTION).is_file():
        from safetensors.torch import load_file

        lm.model.load_state_dict(load_file(adapter / ATTENTION), strict=False)
        return lm
    from peft import PeftModel

    return replace(lm, model=PeftModel.from_pretrained(lm.model, str(adapter)).eval())


def extended_base(name: str, theta: float | None, context: int, adapter: Path) -> Path:
    """A folder like the base's, with the RoPE base and the positions that an adapter needs.

    Weights are links; only `config.json` is written. It lies inside the adapter's folder and is
    named after the base's content, so that another base never takes its place.

    Parameters
    ----------
    name : folder or hub id of the base.
    theta, context : of the adapter's training.
    """
    source = Path(resolve_name(name))
    if not source.is_dir():
        from huggingface_hub import snapshot_download

        source = Path(snapshot_download(name))
    made = adapter / f".served-base-{weights_identity(f'hf:{name}')[:12]}"
    made.mkdir(exist_ok=True)
    for file in source.iterdir():
        link = made / file.name
        if file.is_file() and file.name != "config.json" and not link.exists():
            link.symlink_to(file.resolve())
    config = read_json(source / "config.json")
    if theta is not None:
        # Older checkpoints have the base at the top, newer ones among the RoPE parameters.
        config["rope_theta"] = theta
        config["rope_parameters"] = dict(config.get("rope_parameters") or {"rope_type": "default"})
        config["rope_parameters"]["rope_theta"] = theta
    limit = max(context + ANSWER, config.get("max_position_embeddings", 0))
    config["max_position_embeddings"] = limit
    if config.get("model_type") == "mistral":
        config["sliding_window"] = None
    write_json(made / "config.json", config)
    return made


def check_base(lm: CausalLM, adapter: Path, state: dict[str, Any]) -> None:
    """Refuse an adapter that was trained on another base.

    Raises
    ------
    UserError : layers, hidden size or weights differ (the name, for an adapter without a hash).
    """
    shape = HeadGeometry.from_config(lm.model.config)
    mine = {"base": lm.name, "layers": shape.n_layers, "hidden_size": shape.hidden_size}
    theirs = {name: state.get(name) for name in mine}
    if mine["hidden_size"] != theirs["hidden_size"] or mine["layers"] != theirs["layers"]:
        raise UserError(f"{adapter}: trained on {theirs}, this is {mine}")
    weights = state.get("base_weights")
    if weights and lm.weights and weights != lm.weights:
        raise UserError(
            f"{adapter}: belongs to other weights than {lm.name}",
            f"it was trained on {theirs['base']}, as that was then",
        )
    same_name = Path(str(mine["base"])).name == Path(str(theirs["base"])).name
    if not weights and not same_name:
        raise UserError(f"{adapter}: trained on {theirs['base']}, this is {mine['base']}")


def longest(lm: CausalLM, examples: Sequence[Example]) -> int:
    """Tokens of the longest prompt with its target, by this model's own tokenizer."""
    return max(
        len(encode_prompt(lm.tokenizer, example.prompt)[0])
        + len(encode_target(lm.tokenizer, example.target))
        for example in examples
    )


def require_fit(lm: CausalLM, n_tokens: int, where: str) -> None:
    """Refuse a prompt beyond the model's positions.

    Raises
    ------
    UserError : longer than the limit.
    """
    if n_tokens > lm.context:
        raise UserError(
            f"{where}: {n_tokens} tokens, the model reads {lm.context}",
            "--rope ntk extends it",
        )
