"""The strings that name models everywhere (`--model`, `--judge`, ...)."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from ..errors import UserError

BACKENDS = ("hf", "vllm", "openai", "ray", "replay")
EMBEDDED = ("smollm2", "minilm")


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
        tail = "?" + "&".join(f"{k}={v}" for k, v in self.options.items()) if self.options else ""
        address = f"@{self.base_url}" if self.base_url else ""
        return f"{self.backend}:{self.name}{address}{tail}"


def parse_spec(text: str) -> ModelSpec:
    """Parse a model spec: `smollm2`, `hf:ID?dtype=..`, `openai:NAME@URL`, `ray:SPEC?workers=..`.

    Raises
    ------
    UserError : unknown backend or an empty name.
    """
    if text in EMBEDDED:
        return ModelSpec("hf", text)
    backend, colon, rest = text.partition(":")
    if not colon or backend not in BACKENDS:
        known = ", ".join((*EMBEDDED, *(f"{name}:..." for name in BACKENDS)))
        raise UserError(f"unknown model {text!r}", f"write one of {known}")
    base_url = ""
    if backend == "openai":
        name, _, base_url = rest.partition("@")
        options: dict[str, str] = {}
    else:
        # ray:hf:ID?dtype=x?workers=2 : the last part is ray's own
        name, _, tail = rest.rpartition("?") if "?" in rest else (rest, "", "")
        options = dict(parse_qsl(tail))
        if backend == "ray" and "workers" not in options:
            name, options = rest, {}
    if not name:
        raise UserError(f"model {text!r} names no model")
    return ModelSpec(backend, name, options, base_url)
