"""The corpus on disk: one file or sharded ones, read as a stream."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from tenpapers.errors import UserError
from tenpapers.records import first_problem, read_json_lines, write_jsonl

from ..records import Document, as_name

log = logging.getLogger(__name__)

SHARD_DOCUMENTS = 100_000


def corpus_files(path: Path) -> list[Path]:
    """A corpus's files: itself, or `docs-*.jsonl`, `docs-*.jsonl.gz` in a folder, by name.

    Raises
    ------
    UserError : nothing there.
    """
    if not path.is_dir():
        return [path]
    files = sorted([*path.glob("docs-*.jsonl"), *path.glob("docs-*.jsonl.gz")])
    if not files:
        raise UserError(f"{path}: no docs-*.jsonl or docs-*.jsonl.gz in it")
    return files


def read_documents(path: Path) -> Iterator[Document]:
    """Documents of a corpus, one at a time; those without text are left out, and told.

    A document without an id is named by its file and line.

    Raises
    ------
    UserError : a line that is no document, an id that repeats.
    """
    adapter = TypeAdapter(Document)
    seen: set[int] = set()
    blank = 0
    for file in corpus_files(path):
        for number, value in read_json_lines(file):
            try:
                document = adapter.validate_python(_named(value, file, number))
            except ValidationError as error:
                raise UserError(f"{file}:{number}: {first_problem(error)}") from None
            key = hash(document.id)  # 8 bytes instead of the id: a corpus may have millions
            if key in seen:
                raise UserError(f"{file}:{number}: id {document.id!r} repeats")
            seen.add(key)
            if document.text.strip():
                yield document
            else:
                blank += 1
    if blank:
        log.warning("%s: %d documents without text are left out", path, blank)


def _named(value: object, file: Path, number: int) -> object:
    """A line whose document has an id as a string: its own, or one by file and line."""
    if not isinstance(value, dict):
        return value
    name = value.get("id")
    stem = file.name.partition(".")[0]
    return value | {"id": f"{stem}-{number}" if name is None else as_name(name)}


def corpus_digest(path: Path) -> str:
    """Hash of a corpus's files (sha256)."""
    digest = hashlib.sha256()
    for file in corpus_files(path):
        if not file.exists():
            raise UserError(f"{file}: no such file")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def fetch_texts(path: Path, ids: Collection[str]) -> dict[str, str]:
    """Texts of some documents; memory holds these alone, and reading stops at the last of them.

    Raises
    ------
    UserError : an id that the corpus does not have.
    """
    wanted = set(ids)
    found: dict[str, str] = {}
    for file in corpus_files(path):
        if len(found) == len(wanted):
            break
        for number, value in read_json_lines(file):
            document = _named(value, file, number)
            if isinstance(document, dict) and document["id"] in wanted:
                found[document["id"]] = str(document["text"])
                if len(found) == len(wanted):
                    break
    if missing := sorted(wanted - set(found)):
        raise UserError(f"{path}: no document {missing[0]!r} in it", "is it the embedded corpus?")
    return found


def write_shards(
    place: Callable[[str], Path], documents: Iterable[Document], size: int = SHARD_DOCUMENTS
) -> tuple[int, int]:
    """Write `docs-00000.jsonl.gz`, ...; gives the numbers of documents and shards.

    Parameters
    ----------
    place : gives the path of a file by its name.

    Raises
    ------
    UserError : no document.
    """
    batch: list[Document] = []
    shards = total = 0

    def flush() -> None:
        nonlocal shards, total
        write_jsonl(place(f"docs-{shards:05d}.jsonl.gz"), batch)
        shards, total = shards + 1, total + len(batch)
        batch.clear()

    for document in documents:
        batch.append(document)
        if len(batch) == size:
            flush()
    if batch:
        flush()
    if not total:
        raise UserError("the corpus has zero documents")
    return total, shards
