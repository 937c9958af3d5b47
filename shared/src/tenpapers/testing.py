"""What the tests of every package need: real inputs, command lines, rows, tiny checkpoints.

A package's conftest imports what it uses; the functions that make fixtures are called there:
`data = data_fixture("lofit")`.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import data as data_folders
from .errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Rows = Iterable[dict[str, Any]]


def data_fixture(package: str) -> Any:
    """Make the fixture of a package's published data; tests that ask for it are skipped without."""

    @pytest.fixture(scope="session")
    def data() -> Path:
        folder = data_folders.folder(package)
        if folder is None:
            pytest.skip(f"no data of {package} here: shared/data or $TENPAPERS_DATA")
        return folder

    return data


def command(package: str, *arguments: object, code: int = 0) -> None:
    """Run a package's command line in this process and expect an exit code."""
    app = import_module(f"{package}.cli.main").app
    ended = app([str(argument) for argument in arguments], standalone_mode=False)
    assert (ended or 0) == code, f"exit code {ended}, not {code}"


def fails(package: str, *arguments: object, told: Sequence[object] = ()) -> str:
    """Expect a mendable error of one line that tells all of `told`; gives the line."""
    from typer.exceptions import TyperException

    with pytest.raises((UserError, TyperException)) as caught:
        command(package, *arguments)
    error = caught.value
    line = error.format_message() if isinstance(error, TyperException) else str(error)
    assert "\n" not in line
    for part in told:
        assert str(part) in line, line
    return line


def process(
    package: str, *arguments: object, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a package's command line in a process of its own; gives exit code, output and errors."""
    return subprocess.run(
        start(package, *arguments),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def start(package: str, *arguments: object, before: str = "") -> list[str]:
    """The words that start a package's command line in a process of its own.

    Parameters
    ----------
    before : statements that run first, such as one that shortens an interval.
    """
    code = f"{before}\nfrom {package}.cli.main import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def imports_of_help(package: str, *arguments: str) -> set[str]:
    """Names of all modules that `--help` of a command loads."""
    code = (
        "import sys\n"
        f"from {package}.cli.main import app\n"
        f"try: app([*{arguments!r}, '--help'], standalone_mode=False)\n"
        "finally: print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    return set(done.stderr.split())


def write_rows(file: Path, rows: Rows) -> Path:
    """Write JSONL, compressed where the name ends in .gz; gives the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Read JSONL, compressed or not."""
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [json.loads(line) for line in raw.decode().split("\n") if line]


def tiny_model(
    kind: str, *, seed: int = 0, noise: float = 0.02, **config: Any
) -> "PreTrainedModel":
    """Make a random causal LM of any architecture: 4 layers of 4 heads, 64 wide, 300 tokens.

    Parameters
    ----------
    kind : `model_type` of transformers, such as "llama".
    noise : added to every parameter, so that biases and attention are not flat.
    config : of the architecture; replaces ours.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    plain = {
        "vocab_size": 300,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(plain | config)))
    for parameter in model.parameters():
        parameter.data += noise * torch.randn_like(parameter)
    return model.eval()


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def cli_fixture(package: str) -> Any:
    """Make the fixture that runs a package's command line in a process of its own."""

    @pytest.fixture
    def cli() -> Cli:
        return lambda *arguments, **environment: process(package, *arguments, **environment)

    return cli
