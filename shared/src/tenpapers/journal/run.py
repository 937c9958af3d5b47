"""What a run made in its folder, with which settings: a file of JSON lines beside the results."""

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Required, Self, TypedDict, Unpack

from filelock import FileLock, Timeout

from ..closing import Closing
from ..errors import UserError
from ..models.identity import file_identity
from ..records import Appender, read_json_lines
from .key import Row, differences, known_by
from .rows import RowLog

VERSION = 1
JOURNAL = "journal.jsonl"
_HEADER = b'{"journal": '


class _Given(TypedDict, total=False):
    """What `Journal` is given besides the place."""

    key: Required[Mapping[str, Any]]
    inputs: Sequence[Path | None]
    overwrite: bool
    wait: bool


class Journal(Closing):
    """A run's own record of its folder; the folder is locked while it is open.

    Parameters
    ----------
    out : folder of the run; made if it is not there.
    key : settings that the results depend on, as JSON values; models by `known_by`; None takes
        the run that lies there as it is.
    inputs : files that the results depend on, known by their content; of a folder all in it that
        are not hidden, None is left out.
    overwrite : first remove what an earlier run made, and nothing else.
    wait : wait while another process works there, instead of giving up.
    one_file : `out` is the one file that the run makes; the journal lies beside it.

    Raises
    ------
    UserError : another process works there; the folder holds a run of other settings or inputs.
    """

    def __init__(
        self,
        out: Path,
        *,
        key: Mapping[str, Any] | None,
        inputs: Sequence[Path | None] = (),
        overwrite: bool = False,
        wait: bool = False,
        one_file: bool = False,
    ) -> None:
        self._out = out
        self.root = root = out.parent if one_file else out
        if root.exists() and not root.is_dir():
            raise UserError(f"{root}: is a file, a folder is wanted", "choose another --out")
        root.mkdir(parents=True, exist_ok=True)
        self._log_path = log = root / (f"{out.name}.journal" if one_file else JOURNAL)
        files = list(_files(inputs))
        self._inputs = set[Path]()
        self._lock = FileLock(log.with_name(f".{log.name}.lock"))
        try:
            self._lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            raise UserError(
                f"{out}: {_holder(log)} works there", "wait for it to end, or pass --wait"
            ) from None
        try:
            _check_journal(log)
            self._log = Appender(log)  # drops a line that a kill cut off
            self._open(key, files, overwrite=overwrite)
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def of_file(cls, file: Path, **given: Unpack[_Given]) -> Self:
        """The journal of a run whose output is one file; it lies beside it as `FILE.journal`."""
        return cls(file, one_file=True, **given)

    @classmethod
    def once(cls, file: Path, *, command: str, inputs: Sequence[Path | None] = ()) -> Self:
        """The journal of a command that makes its files in one go, `file` first among them.

        What it made before is made anew, with whatever settings; what another command or the user
        made is refused.

        Raises
        ------
        UserError : another process works there; another command made the file.
        """
        journal = cls.of_file(file, key={"command": command})
        journal._inputs = {path.resolve() for _, path in _files(inputs)}
        return journal

    @classmethod
    def again(cls, out: Path, *, wait: bool = False) -> Self:
        """The journal of whatever run lies in a folder, for a command that derives more from it.

        Raises
        ------
        UserError : another process works there.
        """
        return cls(out, key=None, wait=wait)

    def _open(
        self,
        key: Mapping[str, Any] | None,
        inputs: Sequence[tuple[str, Path]],
        *,
        overwrite: bool,
    ) -> None:
        events = [event for _, event in read_json_lines(self._log_path)]
        self._made, self._workspaces, self._stages = set[str](), set[str](), set[str]()
        self._folders = set[str]()
        for event in events:
            self._take(event)
        # What the run wrote into a folder that it reads is no input of it.
        own = {path.resolve() for path in (self._log_path, *(self.root / n for n in self._made))}
        inputs = [(name, path) for name, path in inputs if path.resolve() not in own]
        self._inputs = {path.resolve() for _, path in inputs}
        header = {
            "journal": VERSION,
            "key": json.loads(json.dumps(dict(key or {}), default=str)),
            "inputs": [known_by(name, file_identity(path)) for name, path in inputs],
        }
        differs = differences(events[0], header) if events and key is not None else ""
        if differs and not overwrite and self._left_something():
            raise UserError(
                f"{self._out}: holds a run with other settings: {differs}",
                "choose another --out, or pass --overwrite where the command has it",
            )
        for event in events:  # folders that were being made when a run was killed
            if "scratch" in event:
                shutil.rmtree(self.root / event["scratch"], ignore_errors=True)
        if overwrite or differs:
            self._remove_what_was_made()
            self._log.close()
            self._log_path.unlink()
            self._log = Appender(self._log_path)
            events = []
            for known in (self._made, self._stages, self._workspaces):
                known.clear()
            # What the user put into a folder of ours stays, and does not take it from us.
            self._folders = {name for name in self._folders if (self.root / name).exists()}
        if not events:
            self._log.write(header, *({"folder": name} for name in sorted(self._folders)))
        self._log.write({"opened": {"pid": os.getpid(), "host": socket.gethostname()}})

    def _take(self, event: Row) -> None:
        """Know what an event of an earlier run says."""
        self._made.update(event.get("made", ()))
        if "folder" in event:
            self._folders.add(event["folder"])
        if "workspace" in event:
            self._workspaces.add(event["workspace"])
        if "dropped" in event:
            self._made.discard(event["dropped"])
            self._workspaces.discard(event["dropped"])
        if "done" in event:
            self._stages.add(event["done"])
        self._stages.discard(event.get("undone", ""))

    def _left_something(self) -> bool:
        """Whether anything lies there of the run; what ended before its first row does not bind."""
        made = [self.root / name for name in (*self._made, *self._workspaces)]
        return any(path.exists() and path.stat().st_size for path in made)

    def _remove_what_was_made(self) -> None:
        for name in self._workspaces:
            shutil.rmtree(self.root / name, ignore_errors=True)
        for name in sorted(self._made, key=len, reverse=True):
            (self.root / name).unlink(missing_ok=True)
            for parent in (self.root / name).parents:
                if parent == self.root or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()

    def file(self, name: str) -> Path:
        """Announce a file that is about to be written; gives its path.

        Raises
        ------
        UserError : a file of that name is there and is not this run's.
        """
        path = self.root / name
        self._check_ours(path, name)
        if name not in self._made:
            self._made.add(name)
            self._log.write({"made": [name]})
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def claim(self, *names: str) -> None:
        """Announce files that are written at the end, so that a user's is seen before the work.

        Raises
        ------
        UserError : see `file`.
        """
        for name in names:
            self.file(name)

    @contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """Make a whole folder, such as a checkpoint: it appears only when it is complete.

        Raises
        ------
        UserError : a folder of that name is there and is not this run's.
        """
        target, stage = self.root / name, f"folder {name}"
        earlier = {made for made in self._made if Path(name) in Path(made).parents}
        if target.exists() and name not in self._folders:
            raise UserError(f"{target}: was not made by this run", "choose another --out")
        if self.done(stage):
            self._stages.remove(stage)
            self._log.write({"undone": stage})
        scratch = str(Path(name).with_name(f".{Path(name).name}.partial"))
        self._folders.add(name)
        self._log.write({"scratch": scratch, "folder": name})
        partial = self.root / scratch
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        files = [path.relative_to(partial) for path in partial.rglob("*") if path.is_file()]
        names = [str(Path(name, path)) for path in files]
        for made in names:
            self._check_ours(self.root / made, made)
        self._made.update(names)
        self._log.write({"made": names})
        for made in earlier.difference(names):
            (self.root / made).unlink(missing_ok=True)
        for path in files:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (partial / path).replace(target / path)
        shutil.rmtree(partial)
        self.finish(stage)

    def has_folder(self, name: str) -> bool:
        """Whether a folder was made completely."""
        return self.done(f"folder {name}")

    def workspace(self, name: str) -> Path:
        """A folder for what a stage needs to go on after a kill; `drop` it at the stage's end.

        Raises
        ------
        UserError : something of that name is there and is not this run's.
        """
        path = self.root / name
        if name not in self._workspaces:
            self._check_ours(path, name)
            self._workspaces.add(name)
            self._log.write({"workspace": name})
        return path

    def drop(self, name: str) -> None:
        """Delete a workspace, or a file of this run that only served to go on."""
        path = self.root / name
        if name in self._workspaces:
            shutil.rmtree(path, ignore_errors=True)
        elif name in self._made:
            path.unlink(missing_ok=True)
        else:
            return
        self._workspaces.discard(name)
        self._made.discard(name)
        self._log.write({"dropped": name})

    def done(self, stage: str) -> bool:
        """Whether a stage was finished, by this process or an earlier one."""
        return stage in self._stages

    def finish(self, stage: str) -> None:
        """Say that a stage is complete: every row of it succeeded."""
        if stage not in self._stages:
            self._stages.add(stage)
            self._log.write({"done": stage})

    def rows(
        self,
        name: str,
        *,
        key: Callable[[Row], str] = lambda row: str(row["id"]),
        failed: Callable[[Row], bool] = lambda row: bool(row.get("error")),
    ) -> RowLog:
        """Open an output of JSON lines that grows row by row.

        Parameters
        ----------
        key : what tells rows apart; items given to `missing` have the same key.
        failed : rows that are asked again by the next run.
        """
        return RowLog(self.file(name), key=key, failed=failed)

    def _check_ours(self, path: Path, name: str) -> None:
        if path.resolve() in self._inputs:
            raise UserError(f"{path}: is an input of this run", "choose another --out")
        if path.exists() and name not in self._made:
            raise UserError(
                f"{path}: was not made by this run", "move it away, or choose another --out"
            )

    def close(self) -> None:
        """Close the journal and let others in."""
        self._log.close()
        self._lock.release()


def _files(inputs: Iterable[Path | None]) -> Iterator[tuple[str, Path]]:
    """Name and path of every input file; those of a folder are named as they lie in it.

    The journal of the command that made the folder, or a file of it, is no content of it.
    """
    for given in inputs:
        if given is None:
            continue
        if not given.is_dir():
            yield given.name, given
            continue
        for path in sorted(given.rglob("*")):
            name = path.relative_to(given)
            hidden = any(part.startswith(".") for part in name.parts)
            beside = path.suffix == ".journal" and path.with_suffix("").exists()
            if path.is_file() and not (hidden or beside or path.name == JOURNAL):
                yield name.as_posix(), path


def _check_journal(log: Path) -> None:
    """Refuse a file of the user's that has a journal's name, before anything is written to it."""
    if log.exists():
        with log.open("rb") as stream:
            if not _HEADER.startswith(stream.read(len(_HEADER))):
                raise UserError(f"{log}: is no journal of ours", "choose another --out")


def _holder(log: Path) -> str:
    """Who opened a journal last."""
    try:
        opened = [event["opened"] for _, event in read_json_lines(log) if "opened" in event]
    except UserError:
        opened = []
    if not opened:
        return "another process"
    return f"process {opened[-1]['pid']} on {opened[-1]['host']}"
