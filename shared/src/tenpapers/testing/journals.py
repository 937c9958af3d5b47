"""What commands promise of their runs: killed, resumed, mixed up, locked, overwritten."""

import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import pytest
from filelock import FileLock
from pydantic import BaseModel

from .. import journal, records
from .command_lines import command, fails
from .rows import content_of


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
        return {name: self._without(content_of(file)) for name, file in files.items()}

    def _without(self, value: object) -> object:
        if isinstance(value, dict):
            return {k: self._without(v) for k, v in value.items() if k not in self.ignored}
        return [self._without(part) for part in value] if isinstance(value, list) else value


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

    with _watched(draw=True) as undisturbed:
        whole = run("whole")
    wanted = case.content(whole)

    def killed_and_resumed(name: str, moment: int, *more: object) -> None:
        with _watched(kill_at=moment) as before, pytest.raises(Killed):
            run(name, *more)
        with _watched() as after:
            resumed = case.content(run(name))
        assert resumed == wanted, f"killed at write {moment} of {undisturbed.writes}"
        assert before.rows + after.rows <= undisturbed.rows, "a row was made twice"

    moments = random.Random(seed).sample(range(1, undisturbed.writes + 1), k=case.kills)
    for moment in moments[1:]:
        killed_and_resumed(f"killed-{moment}", moment)

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
        with _watched():
            again = case.content(run("failed"))
        assert again == wanted, "the failed row was not asked again"

    mine = whole / "mine.txt" if whole.is_dir() else whole.with_name("mine.txt")
    mine.write_text("mine")
    killed_and_resumed("whole", moments[0], "--overwrite")
    assert mine.read_text() == "mine"


class Killed(BaseException):
    """Ends a run as a kill does: what it does on its way out leaves no trace on the disk."""


@dataclass
class Written:
    """How often a run wrote to the disk, and how many rows."""

    writes: int = 0
    rows: int = 0


@contextmanager
def _watched(
    kill_at: int = 0,
    spoilt: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    *,
    draw: bool = False,
) -> Iterator[Written]:
    """Count what is written; end at the given write with half a line; spoil the first row.

    Parameters
    ----------
    draw : pictures too; else their files are empty, for drawing takes most of a small study's time.
    """
    append, write_whole = records.Appender.write, records.atomic_writer
    add_rows = journal.RowLog.write
    seen = Written()

    def appended(self: records.Appender, *lines: BaseModel | dict[str, Any]) -> None:
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

    def added(self: journal.RowLog, *rows: BaseModel | dict[str, Any]) -> None:
        if spoilt and not seen.rows and rows:
            first = rows[0].model_dump(mode="json") if isinstance(rows[0], BaseModel) else rows[0]
            rows = (spoilt(first), *rows[1:])
        add_rows(self, *rows)
        seen.rows += len(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records.Appender, "write", appended)
        patch.setattr(records, "atomic_writer", written)
        patch.setattr(journal.RowLog, "write", added)
        if not draw and "matplotlib.figure" in sys.modules:
            patch.setattr("matplotlib.figure.Figure.savefig", _save_nothing)
        yield seen


def _save_nothing(figure: object, path: Path | str, **settings: object) -> None:
    Path(path).write_bytes(b"")


def kill_when(package: str, *arguments: object, when: Callable[[], bool]) -> None:
    """Run a command line in a process of its own and kill it (SIGKILL) at what is to be seen.

    The process is a copy of this one, with all that is imported and replaced here.
    """
    process = get_context("fork").Process(target=_alone, args=(package, *arguments))
    process.start()
    until = time.monotonic() + 120
    try:
        while not when():
            assert process.is_alive() and time.monotonic() < until, "it ended before it was killed"
            time.sleep(0.01)
    finally:
        process.kill()
        process.join()


def _alone(package: str, *arguments: object) -> None:
    if "torch" in sys.modules:  # whose threads are not copied
        sys.modules["torch"].set_num_threads(1)
    command(package, *arguments)


def kill_process(package: str, *arguments: object, file: Path, lines: int) -> None:
    """Kill a command line as `kill_when` does when a file of rows has so many lines.

    The process waits for it then.
    """
    write = journal.RowLog.write

    def added(self: journal.RowLog, *more: BaseModel | dict[str, Any]) -> None:
        write(self, *more)
        if self.path == file and len(self.rows) >= lines:
            time.sleep(120)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.RowLog, "write", added)
        kill_when(
            package,
            *arguments,
            when=lambda: file.exists() and file.read_bytes().count(b"\n") >= lines,
        )
