"""Published corpora as documents: RealNews, Amazon's product metadata, CMU's movie plots."""

import csv
import html
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.records import first_problem, read_json, read_json_lines

from ..records import Document
from .documents import SHARD_DOCUMENTS

_TAG = re.compile(r"<[^<>]*>")
_NUMBERED = re.compile(r"(?<!\d)([1-9]\.)(?=\S)(?!\d)")
# Which part of RealNews a name takes: of its list of domains, or what is in no list.
REALNEWS = {
    "realnews-dominant": "regional",
    "realnews-regional": "regional",
    "realnews-india": "india",
}


@dataclass(frozen=True)
class CorpusSettings:
    """Where a corpus is from, and how its files are cut."""

    src: Annotated[Path, typer.Option(help="The published file or folder.")]
    domains: Annotated[Path | None, typer.Option(help="RealNews: JSON of the domain lists.")] = None
    shard_size: Annotated[int, typer.Option(help="Documents a file.", min=1)] = SHARD_DOCUMENTS


def corpus_names() -> list[str]:
    """Names that `corpus prepare` knows."""
    return [*REALNEWS, "products", "cmu-movies", "jsonl", "csv"]


def open_corpus(name: str, source: Path, domains: Path | None = None) -> Iterator[Document]:
    """Documents of a published corpus, one at a time.

    Parameters
    ----------
    source : RealNews' `realnews.jsonl`, Amazon's `All_Amazon_Meta.json.gz`, CMU's folder or
        archive `MovieSummaries`, or a file of your own (`jsonl` with `text`, `csv` with a column
        `text`; `id` and `title` where there are such).
    domains : RealNews: JSON with the lists `regional` and `india`.

    Raises
    ------
    UserError : unknown name, missing file or field.
    """
    if name in REALNEWS:
        if domains is None:
            raise UserError(f"{name} is a set of domains", "pass --domains realnews_domains.json")
        return _realnews(name, source, domains)
    readers: dict[str, Callable[[Path], Iterator[Document]]] = {
        "products": _products,
        "cmu-movies": _movies,
        "jsonl": _jsonl,
        "csv": _csv,
    }
    if name not in readers:
        raise UserError(f"corpus {name}: unknown", ", ".join(corpus_names()))
    if not source.exists():
        raise UserError(f"{source}: no such file")
    return readers[name](source)


def _realnews(name: str, source: Path, domains: Path) -> Iterator[Document]:
    lists = read_json(domains)
    part = REALNEWS[name]
    if part not in lists:
        raise UserError(f"{domains}: no list {part!r}")
    listed = set(lists[part])
    inside = name != "realnews-dominant"
    for number, row in read_json_lines(source):
        if (_field(row, "domain", source, number) in listed) == inside:
            yield Document(
                id=f"realnews-{number}",
                text=_field(row, "text", source, number),
                title=row.get("title"),
                meta={"domain": row["domain"]},
            )


def _products(source: Path) -> Iterator[Document]:
    seen: set[str] = set()
    for number, row in read_json_lines(source):
        asin = _field(row, "asin", source, number)
        if asin in seen:
            continue
        seen.add(asin)
        text = product_text(row.get("title") or "", row.get("description") or [])
        if text:
            yield Document(id=asin, text=text, title=row.get("title"))


def product_text(title: str, description: list[str] | str) -> str:
    """Title and description lines of a product: no HTML, "1.Foo" as "1. Foo", single blanks."""
    lines = [description] if isinstance(description, str) else description
    joined = " ".join([title, *lines])
    plain = _TAG.sub(" ", html.unescape(_TAG.sub(" ", joined)))
    return " ".join(_NUMBERED.sub(r"\1 ", plain).split())


def _movies(source: Path) -> Iterator[Document]:
    with _text_files(source) as read:
        titles = {
            row[0]: row[2]
            for row in csv.reader(
                read("movie.metadata.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE
            )
        }
        for line in read("plot_summaries.txt"):
            name, _, plot = line.rstrip("\n").partition("\t")
            if name in titles and plot:
                yield Document(id=f"movie-{name}", text=plot, title=titles[name])


@contextmanager
def _text_files(source: Path) -> Iterator[Callable[[str], TextIO]]:
    """Opens text files of a folder or of a tar archive by their names."""
    with ExitStack() as stack:
        tar = None if source.is_dir() else stack.enter_context(tarfile.open(source))

        def read(name: str) -> TextIO:
            if tar is None:
                file = source / name
                if not file.exists():
                    raise UserError(f"{file}: no such file")
                return stack.enter_context(file.open(encoding="utf-8", newline=""))
            for member in tar.getmembers():
                if Path(member.name).name == name and (stream := tar.extractfile(member)):
                    return io.TextIOWrapper(stream, encoding="utf-8", newline="")
            raise UserError(f"{source}: no {name} in it")

        yield read


def _jsonl(source: Path) -> Iterator[Document]:
    for number, row in read_json_lines(source):
        yield _own(row, source, number)


def _csv(source: Path) -> Iterator[Document]:
    csv.field_size_limit(1 << 30)
    with source.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), 2):
            yield _own(row, source, number)


def _own(row: object, source: Path, number: int) -> Document:
    """A document of the user's own, with all its fields; without an id the line names it."""
    text = _field(row, "text", source, number)
    fields = row if isinstance(row, dict) else {}
    name = fields.get("id")
    given = {"id": number if name is None or name == "" else name, "text": text}
    try:
        return Document.model_validate(fields | given)
    except ValidationError as error:
        raise UserError(f"{source}:{number}: {first_problem(error)}") from None


def _field(row: object, name: str, source: Path, number: int) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if value is None:
        raise UserError(f"{source}:{number}: missing field {name!r}")
    return str(value)
