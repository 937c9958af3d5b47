"""The strings that name models everywhere (`--model`, `--judge`, ...)."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from ..errors import UserError

BACKENDS = ("hf", "vllm", "openai", "ray", "replay")
EMBEDDED = ("smollm2", "minilm")
# What may stand behind the `?` of each backend.
OPTIONS: dict[str, tuple[str, ...]] = {
    "hf": ("dtype", "device", "revision", "chat_template_kwargs"),
    "vllm": (
        "tensor_parallel_size",
        "max_model_len",
        "max_num_seqs",
        "max_loras",
        "max_lora_rank",
        "gpu_memory_utilization",
        "enforce_eager",
        "dtype",
        "revision",
        "quantization",
        "trust_remote_code",
        "chat_template_kwargs",
    ),
    "openai": ("chat_template_kwargs",),
    "ray": ("workers", "per_worker"),
}


@dataclass(frozen=True)
class ModelSpec:
    """A parsed model spec.

    Parameters
    ----------
    backend : one of `BACKENDS`.
    name : hub id, folder, served name, recorded file, or for `ray` the inner spec.
    options : what stood behind `?`, e.g. `{"dtype": "bfloat16"}`.
    base_url : what stood behind `@` (only `openai`).
    """

    backend: str
    name: str
    options: dict[str, str] = field(default_factory=dict)
    base_url: str = ""

    def __str__(self) -> str:
        address = f"@{self.base_url}" if self.base_url else ""
        written = f"{self.backend}:{self.name}{address}"
        if not self.options:
            return written
        # The options of an inner spec and ray's own are one list.
        return (
            f"{written}{'&' if '?' in self.name else '?'}{urlencode(self.options, quote_via=quote)}"
        )

    @property
    def template_options(self) -> dict[str, Any]:
        """What the chat template gets besides the messages: `chat_template_kwargs`."""
        options: dict[str, Any] = json.loads(self.options.get("chat_template_kwargs", "{}"))
        return options


def parse_spec(text: str | ModelSpec) -> ModelSpec:
    """Parse a model spec: `smollm2`, `hf:ID?dtype=..`, `openai:NAME@URL`, `ray:SPEC?workers=..`.

    An existing folder is a model by itself. One `?` starts one list of options; those of `ray:`
    stand among those of its inner spec. An address begins with `http://` or `https://`. What is
    parsed already stays as it is.

    Raises
    ------
    UserError : unknown backend, an empty name, an unknown or malformed option.
    """
    if isinstance(text, ModelSpec):
        return text
    backend, _, rest = text.partition(":")
    if backend == "replay" and rest:
        return ModelSpec(backend, rest)
    head, question, tail = text.partition("?")
    options = _options(text, tail) if question else {}
    if head in EMBEDDED:
        backend, name = "hf", head
    elif backend in BACKENDS and ":" in head:
        name = head.partition(":")[2]
    elif head and Path(head).is_dir():
        backend, name = "hf", head
    else:
        known = ", ".join((*EMBEDDED, *(f"{name}:..." for name in BACKENDS)))
        raise UserError(
            f"unknown model {text!r}",
            f"write one of {known}, or an existing folder",
        )
    if not name:
        raise UserError(f"model {text!r} names no model")
    if backend == "ray":
        own = {key: options.pop(key) for key in OPTIONS["ray"] if key in options}
        inner = parse_spec(f"{name}?{urlencode(options, quote_via=quote)}" if options else name)
        return ModelSpec(backend, str(inner), own)
    if unknown := [key for key in options if key not in OPTIONS[backend]]:
        known = ", ".join(OPTIONS[backend])
        raise UserError(f"{text}: unknown option {unknown[0]}", f"{backend}: knows {known}")
    base_url = ""
    if backend == "openai":
        name, base_url = _address(name)
    return ModelSpec(backend, name, options, base_url)


def _options(text: str, tail: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(tail, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        pairs = []
    if not pairs or "?" in tail:
        raise UserError(f"{text}: options are written ?name=value&name=value")
    options = dict(pairs)
    if len(options) != len(pairs):
        raise UserError(f"{text}: an option is given twice")
    if (kwargs := options.get("chat_template_kwargs")) is not None:
        try:
            given = json.loads(kwargs)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            example = quote('{"enable_thinking": false}')
            raise UserError(
                f"{text}: chat_template_kwargs is no JSON object",
                f"URL-encoded, such as chat_template_kwargs={example}",
            )
    return options


def _address(served: str) -> tuple[str, str]:
    """Name and address of a served model; other @ belong to the name."""
    name, *address = re.split(r"@(?=https?://)", served, maxsplit=1)
    if not address and re.search(r"@(localhost\b|[^@]*:\d|[^@]*/)", name):
        raise UserError(
            f"openai:{name}: the address has no scheme", "it begins with http:// or https://"
        )
    return name, "".join(address)
