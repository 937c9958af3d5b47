"""What the tests of every package need: real inputs, command lines, rows, tiny checkpoints.

A package's conftest imports what it uses; the functions that make fixtures are called there:
`data = data_fixture("lofit")`.
"""

import functools
import gzip
import hashlib
import http.server
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from pydantic import BaseModel

from . import data as data_folders
from . import journal, records
from .errors import UserError
from .paper import Paper, load_paper

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

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


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on loopback; gives the address, and the paths that were asked for so far."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def published(package: str, files: Mapping[str, bytes], mirror: Path) -> Paper:
    """Lay out published files with other content as a mirror; gives the package's paper with them.

    Parameters
    ----------
    files : content by `COMMIT/PATH`, the commit's first seven digits, as `paper.yaml` has them.
    """
    paper, left = load_paper(package), dict(files)
    for home in paper.data:
        theirs = [file for file in home.files if f"{home.commit[:7]}/{file.path}" in left]
        home.files[:] = []
        for file in theirs:
            content = left.pop(f"{home.commit[:7]}/{file.path}")
            place = mirror / home.repository / home.commit / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            known = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            home.files.append(file.model_copy(update=known))
    assert not left, f"not in paper.yaml: {sorted(left)}"
    return paper


def exactly_published(package: str, files: Mapping[str, bytes]) -> set[str]:
    """Which files, named as in `published`, have the very content that was published."""
    hashes = {
        f"{home.commit[:7]}/{file.path}": file.sha256
        for home in load_paper(package).data
        for file in home.files
    }
    return {
        name
        for name, content in files.items()
        if hashlib.sha256(content).hexdigest() == hashes[name]
    }


def fetched(
    package: str, make: data_folders.Make, files: Mapping[str, bytes], folder: Path
) -> dict[str, Any]:
    """Fetch published files, made as in `published`, from a web server: what was written, by name.

    Every data file that `paper.yaml` speaks of must be there, and no other.
    """
    paper = published(package, files, folder / "mirror")
    with (
        web_server(folder / "mirror") as (address, asked),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TENPAPERS_MIRROR", address)
        patch.setenv("TENPAPERS_CACHE", str(folder / "cache"))
        out = data_folders.fetch(package, paper, make, folder / "data")
        assert len(asked) == len(files)
    wanted = {
        name for home in load_paper(package).data for file in home.files for name in file.makes
    }
    found = {str(file.relative_to(out)): file for file in out.rglob("*") if file.is_file()}
    ours = {name: file for name, file in found.items() if "journal.jsonl" not in name}
    assert ours.keys() == wanted
    return {name: _read(file) for name, file in ours.items()}


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


def parse(package: str, *arguments: str) -> None:
    """Read a command line as the package does, without running it.

    Raises
    ------
    TyperException : no such command or option, a missing or wrong value.
    """
    from typer.core import TyperCommand

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TyperCommand, "invoke", lambda self, context: None)
        command(package, *arguments)


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


def byte_tokenizer() -> "PreTrainedTokenizerBase":
    """Make a tokenizer of 259 tokens, one a byte, for `tiny_model`; loads in no time."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def cli_fixture(package: str) -> Any:
    """Make the fixture that runs a package's command line in a process of its own."""

    @pytest.fixture
    def cli() -> Cli:
        return lambda *arguments, **environment: process(package, *arguments, **environment)

    return cli


@dataclass(frozen=True)
class Journalled:
    """A command that keeps a journal, as `check_journal` runs it.

    Parameters
    ----------
    arguments : its words, without `--out`.
    outputs : files that a run and one that was killed and resumed have in common, below `--out`;
        none where `--out` is that file itself.
    others : words that make it another run, each with what the refusal must tell.
    changed : an input; a blank line more at its end must be refused.
    out : name of `--out`.
    failed : makes a row as it is when asking failed; the run then ends with `failed_code`. None
        where no row of a failure is written.
    ignored : keys of JSON values that no two runs share, such as times.
    kills : how many moments are drawn at which the run is killed.
    """

    arguments: Sequence[object]
    outputs: Sequence[str] = ()
    others: Sequence[tuple[Sequence[object], str]] = ()
    changed: Path | None = None
    out: str = "run"
    failed: Callable[[dict[str, Any]], dict[str, Any]] | None = lambda row: row | {"error": "busy"}
    failed_code: int = 0
    ignored: Sequence[str] = ("seconds", "wall_seconds")
    kills: int = 3

    def content(self, out: Path) -> dict[str, Any]:
        """What the outputs of a run hold."""
        files = {name: out / name for name in self.outputs} or {"": out}
        return {name: self._without(_read(file)) for name, file in files.items()}

    def _without(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self._without(v) for k, v in value.items() if k not in self.ignored}
        return [self._without(part) for part in value] if isinstance(value, list) else value


def _read(file: Path) -> Any:
    raw = file.read_bytes()
    raw, name = (gzip.decompress(raw), file.stem) if file.suffix == ".gz" else (raw, file.name)
    if name.endswith(".jsonl"):
        return read_rows(file)
    return json.loads(raw) if name.endswith(".json") else raw


def check_journal(package: str, case: Journalled, folder: Path, seed: int = 0) -> None:
    """Hold a command to the promises of runs and their folders (killed, resumed, mixed up, locked).

    Parameters
    ----------
    folder : an empty one, for the runs.
    seed : draws the moments of the kills.
    """

    def run(name: str, *more: object, code: int = 0) -> Path:
        out = folder / name / case.out
        command(package, *case.arguments, "--out", out, *more, code=code)
        return out

    def refused(*more: object, told: object) -> None:
        out = folder / "whole" / case.out
        fails(package, *case.arguments, "--out", out, *more, told=[told])

    with _watched() as undisturbed:
        whole = run("whole")
    wanted = case.content(whole)

    draw = random.Random(seed)
    for moment in draw.sample(range(1, undisturbed.writes + 1), k=case.kills):
        with _watched(kill_at=moment) as before, pytest.raises(Killed):
            run(f"killed-{moment}")
        with _watched() as after:
            resumed = case.content(run(f"killed-{moment}"))
        assert resumed == wanted, f"killed at write {moment} of {undisturbed.writes}"
        assert before.rows + after.rows <= undisturbed.rows, "a row was made twice"

    for more, told in case.others:
        refused(*more, told=told)
    if case.changed:
        original = case.changed.read_bytes()
        case.changed.write_bytes(original + b"\n")
        refused(told=f"input {case.changed.name} has changed")
        case.changed.write_bytes(original)
    beside = whole.with_name(f".{whole.name}.journal.lock")
    with ExitStack() as held:  # a folder may hold the journals of several commands
        for lock in [beside] if beside.exists() else whole.glob(".*.lock"):
            held.enter_context(FileLock(lock))
        refused(told=f"process {os.getpid()} on {socket.gethostname()} works there")
    assert case.content(whole) == wanted, "a refused run changed the results"

    if undisturbed.rows and case.failed:
        with _watched(spoilt=case.failed):
            failed = case.content(run("failed", code=case.failed_code))
        assert failed != wanted, "no row that failed is to be seen"
        assert case.content(run("failed")) == wanted, "the failed row was not asked again"

    mine = whole / "mine.txt" if whole.is_dir() else whole.with_name("mine.txt")
    mine.write_text("mine")
    run("whole", "--overwrite")
    assert case.content(whole) == wanted and mine.read_text() == "mine"


@contextmanager
def chat_server(answer: Callable[[str], str | None]) -> Iterator[str]:
    """Serve an OpenAI-compatible address on loopback; gives the address.

    Parameters
    ----------
    answer : from the prompt, or the last message, to the text; None is refused with status 400.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = answer(
                asked["messages"][-1]["content"] if "messages" in asked else asked["prompt"]
            )
            choice = {"index": 0, "finish_reason": "stop", "text": text}
            choice["message"] = {"role": "assistant", "content": text}
            told: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0}
            told |= {"model": asked["model"], "choices": [choice]}
            body = json.dumps(told if text is not None else {"error": {"message": "no"}}).encode()
            self.send_response(400 if text is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


class Killed(BaseException):
    """Ends a run as a kill does: what it does on its way out leaves no trace on the disk."""


@dataclass
class Written:
    """How often a run wrote to the disk, and how many rows."""

    writes: int = 0
    rows: int = 0


@contextmanager
def _watched(
    kill_at: int = 0, spoilt: Callable[[dict[str, Any]], dict[str, Any]] | None = None
) -> Iterator[Written]:
    """Count what is written; end at the given write with half a line; spoil the first row."""
    append, write_whole = records.Appender.write, records.atomic_writer
    add_rows = journal.RowLog.write
    seen = Written()

    def appended(self: records.Appender, *lines: Any) -> None:
        seen.writes += 1
        if not kill_at or seen.writes < kill_at:
            return append(self, *lines)
        if seen.writes == kill_at:
            text = "".join(map(records.to_line, lines))
            self._stream.write(text[: len(text) // 2])
            self._stream.flush()
        raise Killed

    @contextmanager
    def written(path: Path) -> Iterator[IO[bytes]]:
        seen.writes += 1
        if kill_at and seen.writes >= kill_at:
            raise Killed
        with write_whole(path) as stream:
            yield stream

    def added(self: journal.RowLog, *rows: Any) -> None:
        if spoilt and not seen.rows and rows:
            first = rows[0].model_dump(mode="json") if isinstance(rows[0], BaseModel) else rows[0]
            rows = (spoilt(first), *rows[1:])
        add_rows(self, *rows)
        seen.rows += len(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records.Appender, "write", appended)
        patch.setattr(records, "atomic_writer", written)
        patch.setattr(journal.RowLog, "write", added)
        yield seen


def kill_process(package: str, *arguments: object, file: Path, lines: int) -> None:
    """Run a command line in a process of its own and kill it (SIGKILL) while it adds to a file.

    Parameters
    ----------
    lines : how many the file has when the kill comes; rows are written slowly enough to meet it.
    """
    slowly = (
        "import time; from tenpapers.journal import RowLog; write = RowLog.write\n"
        "RowLog.write = lambda self, *rows: (write(self, *rows), time.sleep(0.5))"
    )
    process = subprocess.Popen(start(package, *arguments, before=slowly), stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while not (file.exists() and file.read_bytes().count(b"\n") >= lines):
        assert process.poll() is None and time.monotonic() < until, process.stderr
        time.sleep(0.02)
    process.kill()
    process.communicate()
