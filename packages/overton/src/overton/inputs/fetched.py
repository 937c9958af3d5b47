"""Our data files from the published ones: fetched, or out of a clone of their repository."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tenpapers.data import Published, pack
from tenpapers.errors import UserError
from tenpapers.paper import load_paper
from tenpapers.records import write_jsonl

from .published_forms import (
    SETS,
    embeddings,
    instance_rows,
    pair_score_rows,
    pair_text_rows,
    sample_rows,
    verdict_rows,
)

Place = Callable[[str], Path]
# Rooms of verdicts, and what of them is kept in the files that are called `.parsed`.
_VERDICTS = {"eval-stance": "stance", "eval-quality": "scores"}
_PAIRED = ("eval-missing", "extract-topics")
# How a file begins that git keeps elsewhere.
_POINTER = b"version https://git-lfs"


def make(published: Published, place: Place) -> None:
    """Write prompts, samples, summaries, verdicts, pair scores and vectors of the two sets.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    files = {
        name: published.file(home.repository, file.path)
        for home, file in published.wanted
        for name in file.makes
    }
    _write(files, place)


@dataclass(frozen=True)
class Imported:
    """What a clone had of our data files.

    Parameters
    ----------
    written : names of data files.
    missing, pointers : published files that are not there, or are kept elsewhere by git.
    """

    written: tuple[str, ...]
    missing: tuple[str, ...]
    pointers: tuple[str, ...]


def import_official(folder: Path, place: Place) -> Imported:
    """Write our data files from a clone of the paper's repository, or from such files themselves.

    What the clone lacks is listed, and the rest is imported.

    Raises
    ------
    UserError : neither is in the folder.
    """
    ours = {name: folder / name for name, _ in _known() if (folder / name).is_file()}
    if ours:
        for name, file in ours.items():
            pack(file, place(name))
        return Imported(tuple(ours), tuple(n for n, _ in _known() if n not in ours), ())
    files: dict[str, Path] = {}
    missing, pointers = [], []
    for name, path in _known():
        file = folder / path
        if not file.is_file():
            missing.append(path)
        elif _is_pointer(file):
            pointers.append(path)
        else:
            files[name] = file
    if not files:
        raise UserError(
            f"{folder}: nothing of the paper's data in it",
            "wanted: a clone of its repository, with `data/LIMA-OE` and `data/ConflictingQA`",
        )
    written = _write(files, place)
    return Imported(tuple(written), tuple(missing), tuple(pointers))


def _known() -> Iterator[tuple[str, str]]:
    """Names of our files, and the published ones that make them."""
    for home in load_paper("overton").data:
        for file in home.files:
            for name in file.makes:
                yield name, file.path


def _is_pointer(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(_POINTER)) == _POINTER or file.stat().st_size == 0


def _write(files: dict[str, Path], place: Place) -> list[str]:
    """Write what can be made of these files; gives the names."""
    written = []
    for data_set in SETS:
        prompts = f"{data_set}/instances.jsonl.gz"
        own = {name: file for name, file in files.items() if name.startswith(f"{data_set}/")}
        if not own:
            continue
        if prompts not in own:
            raise UserError(
                f"{data_set}: its prompts are not there (instances/data.jsonl)",
                "all other files are matched with them by their lines",
            )
        rows = instance_rows(own[prompts])
        queries = [row["messages"][-1]["content"] for row in rows]
        for name, file in own.items():
            _make_one(name, file, place(name), queries)
            written.append(name)
    return written


def _make_one(name: str, file: Path, target: Path, queries: list[str]) -> None:
    room = name.split("/")[1]
    model = Path(name).name.removesuffix(".jsonl.gz")
    if room == "instances.jsonl.gz":
        write_jsonl(target, instance_rows(file))
    elif room == "embeddings":
        import numpy as np

        np.savez(target, embeddings=embeddings(file))
    elif room == "bertscore":
        write_jsonl(target, pair_score_rows(file))
    elif file.suffix == ".json":
        write_jsonl(target, pair_text_rows(file))
    elif room in _VERDICTS or room in _PAIRED:
        parsed = _VERDICTS[room] if model.endswith(".parsed") else ""
        paired = room in _PAIRED
        write_jsonl(target, verdict_rows(file, len(queries), paired=paired, parsed=parsed))
    else:
        write_jsonl(target, sample_rows(file, model, queries))
