"""What a model is: its weights, configuration, tokenizer, chat template, dtype and options.

A name or a path says nothing of what lies there today, so caches and journals key on the identity:
a hash of the content of a folder, or the commit of a hub model.
"""

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ..errors import UserError, without_credentials
from ..report import file_digest
from .embedded import cache_folder
from .loading import device_and_dtype, not_loaded, resolve_name
from .spec import ModelSpec, parse_spec

# What a checkpoint or an adapter consists of; optimizer states and notes beside it do not count.
_PARTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".npz", ".npy")
_TEXTS = (".json", ".jinja", ".txt", ".model", ".tiktoken", ".py")
_NOT_PARTS = ("optimizer", "scheduler", "rng_state", "trainer_state", "training_args")
# Options that say where and how fast a model runs, not what it computes.
_PLACEMENT = {
    "device",
    "gpu_memory_utilization",
    "per_worker",
    "pipeline_parallel_size",
    "tensor_parallel_size",
    "workers",
}


def model_identity(spec: ModelSpec | str, *, dtype: str = "") -> str:
    """Hash everything that a model's answers depend on.

    Parameters
    ----------
    spec : any model spec.
    dtype : the one it was loaded in, where the model spec leaves it open.

    Returns
    -------
    64 hexadecimal digits. A server is known by its model's name and address alone, without
    credentials; a recording by its content.

    Raises
    ------
    UserError : a folder or file that is not there.
    """
    return content_digest(_description(parse_spec(spec), dtype))


def identity_as_loaded(
    spec: ModelSpec | str, *, dtype: str | None = None, device: str | None = None
) -> str:
    """Identity of a model that `load_causal_lm` is about to load, for journals.

    Raises
    ------
    UserError : see `model_identity`.
    """
    spec = parse_spec(spec)
    return model_identity(spec, dtype=device_and_dtype(spec, dtype=dtype, device=device)[1])


def weights_identity(spec: ModelSpec | str) -> str:
    """Hash what an adapter belongs to: weights, configuration and tokenizer, in any dtype.

    Raises
    ------
    UserError : a folder or file that is not there.
    """
    return content_digest(_weights(parse_spec(spec)))


def _description(spec: ModelSpec, dtype: str) -> object:
    if spec.backend == "ray":
        return _description(parse_spec(spec.name), dtype)
    if spec.backend == "openai":
        return ["server", spec.name, redacted(spec.base_url), sorted(spec.options.items())]
    if spec.backend == "replay":
        return ["recording", file_identity(Path(spec.name))]
    options = {name: text for name, text in spec.options.items() if name not in _PLACEMENT}
    options.pop("revision", None)  # the content or the commit says it
    if dtype:
        options["dtype"] = dtype
    return [_weights(spec), sorted(options.items())]


def _weights(spec: ModelSpec) -> str:
    folder = Path(resolve_name(spec.name))
    if folder.is_dir():
        return folder_identity(folder)
    return f"hub {spec.name} {hub_commit(spec.name, spec.options.get('revision'))}"


def hub_commit(name: str, revision: str | None = None) -> str:
    """Commit of a hub model: the named one, else that of the files the hub's client has or gets.

    Raises
    ------
    UserError : the hub is out of reach and the model is not in the local cache.
    """
    if revision and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    from transformers.utils.hub import cached_file

    try:
        file = cached_file(name, "config.json", revision=revision)
    except (OSError, ValueError) as error:
        raise not_loaded(f"hf:{name}", error) from None
    return Path(str(file)).parent.name


def folder_identity(folder: Path) -> str:
    """Hash what a checkpoint or adapter folder computes with: names and contents of its parts.

    Raises
    ------
    UserError : there is no such folder, or no part of a model in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    parts = sorted(_parts(folder))
    if not parts:
        raise UserError(f"{folder}: no model in it", "config.json and weights are wanted")
    return content_digest(
        [[path.relative_to(folder).as_posix(), file_identity(path)] for path in parts]
    )


def adapter_identity(folder: str) -> str:
    """Hash an adapter's weights and settings; "" for no adapter.

    What else lies in its folder, such as scores that somebody computed with it, does not count.

    Raises
    ------
    UserError : the folder holds no adapter.
    """
    if not folder:
        return ""
    if not (Path(folder) / "adapter_model.safetensors").exists():
        raise UserError(f"{folder}: no adapter in it", "adapter_model.safetensors is wanted")
    names = ("adapter_config.json", "adapter_model.safetensors")
    parts = [Path(folder, name) for name in names if Path(folder, name).exists()]
    return content_digest([[path.name, file_identity(path)] for path in parts])


def _parts(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        hidden = any(part.startswith((".", "checkpoint-", "runs")) for part in inside.parts)
        known = path.suffix in _PARTS + _TEXTS and not path.name.startswith(_NOT_PARTS)
        if known and not hidden and path.is_file():
            yield path


def file_identity(path: Path) -> str:
    """Hash a file (sha256); remembered by path, size, mtime and ctime.

    Raises
    ------
    UserError : there is no such file.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    key = f"{path.resolve()} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"
    if known := _remembered(key):
        return known
    digest = file_digest(path)
    if state.st_size > _WORTH_REMEMBERING:
        _remember(key, digest)
    return digest


# Bytes; what is smaller is hashed faster than looked up.
_WORTH_REMEMBERING = 1 << 20


def _remembered(key: str) -> str | None:
    try:
        with closing(_memory()) as memory, memory:
            found = memory.execute("select sha256 from file where key = ?", (key,)).fetchone()
    except (sqlite3.Error, OSError):
        return None
    return str(found[0]) if found else None


def _remember(key: str, digest: str) -> None:
    try:
        with closing(_memory()) as memory, memory:
            memory.execute("insert or replace into file values (?, ?)", (key, digest))
    except (sqlite3.Error, OSError):
        return  # a home that cannot be written: hashed anew next time


def _memory() -> sqlite3.Connection:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    memory = sqlite3.connect(folder / "digests.sqlite", timeout=10)
    memory.execute("create table if not exists file (key text primary key, sha256 text)")
    return memory


def redacted(address: str) -> str:
    """An address without user, password and query, fit for messages, files and caches."""
    return without_credentials(address.split("?")[0]).rstrip("/")


def content_digest(content: object) -> str:
    """Hash a JSON value, in which paths may stand: 64 hexadecimal digits."""
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, default=os.fspath)
    return hashlib.sha256(text.encode()).hexdigest()
