"""JSON Lines in and out: validated when read, atomic or append-safe when written.

Every file name may end in `.gz`.
"""

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .closing import Closing
from .errors import UserError, first_line

RecordT = TypeVar("RecordT", bound=BaseModel)
# Half a surrogate pair, as models and their servers send it, has no UTF-8; its escape is good JSON.
LONE_SURROGATES = "backslashreplace"
# UTF-8, with or without the mark that Windows puts before it.
_AS_READ = "utf-8-sig"


class Record(BaseModel):
    """Base of what flows between stages: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _open_read(path: Path) -> IO[str]:
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, a JSONL file is wanted")
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding=_AS_READ)
    return path.open(encoding=_AS_READ)


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield `(line number from 1, value)` of a JSONL file; blank lines are skipped.

    Raises
    ------
    UserError : missing file, a line that is not JSON, bytes that are not UTF-8 or gzip.
    """
    number = 0
    with _open_read(path) as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _without_lone_surrogates(line, json.loads(line))
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{number}: not JSON: {error.msg} (column {error.colno})") from (
                None
            )
        except UnicodeDecodeError:
            raise UserError(f"{path}:{number + 1}: not UTF-8 text") from None
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            size = path.stat().st_size
            raise UserError(
                f"{path}:{number + 1}: broken gzip file: {error} ({size} bytes read)"
            ) from None
        except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
            raise UserError(f"{path}:{number}: not JSON: {first_line(error)}") from None


def _without_lone_surrogates(text: str, value: object) -> object:
    """Put U+FFFD where half a surrogate pair stands; pydantic and UTF-8 take none."""
    if "\\ud" not in text and "\\uD" not in text:
        return value
    return json.loads(
        json.dumps(value, ensure_ascii=False)
        .encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
    )


def first_problem(error: ValidationError) -> str:
    """Say the first thing that is wrong with a record: `field: reason`, or which one is missing."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"missing field {field!r}"
    return f"{field}: {first['msg']}" if field else str(first["msg"])


def read_jsonl(path: Path, kind: type[RecordT]) -> list[RecordT]:
    """Read a JSONL file of one record type.

    Parameters
    ----------
    path : file, may end in `.gz`.
    kind : pydantic model of a line.

    Raises
    ------
    UserError : missing or empty file, broken JSON, a field that does not fit
        (`file:line: field: reason`).
    """
    adapter = TypeAdapter(kind)
    records = []
    for number, value in read_json_lines(path):
        try:
            records.append(adapter.validate_python(value))
        except ValidationError as error:
            raise UserError(f"{path}:{number}: {first_problem(error)}") from None
    if not records:
        raise UserError(f"{path}: no records in it")
    return records


def to_line(record: BaseModel | dict[str, Any]) -> str:
    """Render one record as one line of JSON, with its newline."""
    value = record.model_dump(mode="json") if isinstance(record, BaseModel) else record
    return json.dumps(value, ensure_ascii=False) + "\n"


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                # mtime 0: the same records give the same bytes
                with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, atomically, as UTF-8."""
    with atomic_writer(path) as stream:
        stream.write(text.encode(errors=LONE_SURROGATES))


def write_json(path: Path, value: object) -> None:
    """Write one JSON document, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON document.

    Raises
    ------
    UserError : missing file or not JSON.
    """
    try:
        with _open_read(path) as stream:
            return json.load(stream)
    except (ValueError, RecursionError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not JSON: {first_line(error)}") from None


def write_jsonl(path: Path, records: Iterable[BaseModel | dict[str, Any]]) -> int:
    """Write a whole JSONL file, atomically, and return the number of records."""
    count = 0
    with atomic_writer(path) as stream:
        for record in records:
            stream.write(to_line(record).encode(errors=LONE_SURROGATES))
            count += 1
    return count


class Appender(Closing):
    """An output file that survives being killed: whole lines are appended and flushed.

    A line cut off by an earlier kill (no newline at the end) is dropped on opening, so that what
    is read back is complete records only.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        if path.suffix == ".gz":
            raise UserError(f"{path}: an appendable output is not compressed", "drop the .gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        if overwrite:
            path.unlink(missing_ok=True)
        elif path.exists():
            _drop_partial_line(path)
        self._stream = path.open("a", encoding="utf-8", errors=LONE_SURROGATES)

    def write(self, *records: BaseModel | dict[str, Any]) -> None:
        """Append records and flush them to the operating system."""
        self._stream.write("".join(to_line(record) for record in records))
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _drop_partial_line(path: Path) -> None:
    with path.open("rb+") as stream:
        end = stream.seek(0, os.SEEK_END)
        keep = end
        while keep > 0:
            start = max(0, keep - 65536)
            stream.seek(start)
            newline = stream.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep != end:
            stream.truncate(keep)
