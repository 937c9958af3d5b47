"""Published classification sets as train, validation and test of labelled texts.

Local files come first; without them the hub is asked. Every random choice has the seed 42.
"""

import csv
import random
import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.errors import UserError, first_line
from tenpapers.paper import load_paper
from tenpapers.records import read_json_lines

from ..records import Example
from .own_datasets import Splits, own_splits
from .task import load_task

SEED = 42
AG_LABELS = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
TOI_LEAST = 40  # characters of a headline


@dataclass(frozen=True)
class Source:
    """Where a set is from and how its splits are made.

    Parameters
    ----------
    hub : id on the hub, "" where it is not there; `text` and `label` are its fields.
    read : from a folder of published files to (label, text) of each split it has.
    names : the task's label for each of the hub's.
    """

    hub: str
    read: Callable[[Path], dict[str, Iterator[tuple[str, str]]]]
    text: str = "text"
    label: str = "label"
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetSettings:
    """Where a data set is from, and which task it is checked against."""

    src: Annotated[Path | None, typer.Option(help="The published files [asks the hub].")] = None
    task: Annotated[str | None, typer.Option(help="Your own task, to check the labels with.")] = (
        None
    )


def dataset_names() -> list[str]:
    """Names that `datasets prepare` knows."""
    return [*SOURCES, "jsonl", "csv"]


def prepare(name: str, source: Path | None, *, task: str | None = None) -> Splits:
    """Train, validation and test of a published set, or of your own file.

    Parameters
    ----------
    source : folder of the published files; None asks the hub. For `jsonl` and `csv` a file with
        `text` and `label` (and `id`, `split`), or a folder with a file for each split.

    Raises
    ------
    UserError : unknown name, missing file, a label that the task does not have.
    """
    if name in ("jsonl", "csv"):
        if source is None:
            raise UserError(f"{name}: which file?", "pass --src")
        splits = own_splits(source, name)
    elif name in SOURCES:
        published = SOURCES[name]
        found = published.read(source) if source is not None else _hub(published)
        rows = {split: [(label, text) for label, text in pairs] for split, pairs in found.items()}
        splits = _named(name, _split(name, rows))
        task = task or name
    else:
        raise UserError(f"dataset {name}: unknown", ", ".join(dataset_names()))
    if task:
        known = load_task(task)
        for rows_of in splits.values():
            for row in rows_of:
                known.verbalizer(row.label)
    return splits


def _named(name: str, splits: dict[str, list[tuple[str, str]]]) -> Splits:
    """Ids of our own: published ones repeat."""
    return {
        split: [
            Example(id=f"{name}-{split}-{number}", text=text, label=label)
            for number, (label, text) in enumerate(rows)
            if text.strip()
        ]
        for split, rows in splits.items()
    }


def _split(name: str, rows: dict[str, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    """Splits of the paper's sizes, from what was published."""
    rng = random.Random(SEED)
    if name == "ag_news" and "validation" not in rows:
        size = min(5000, len(rows["train"]) // 10)  # 5,000 of the published 120,000
        return rows | _take(rows["train"], {"validation": size}, "train", rng)
    if name == "toi_headlines":
        return _balanced(rows["all"], {"train": 5200, "test": 1000}, "validation", rng)
    if name == "polarity":
        parts = _balanced(rows["train"], {"train": 36_000, "validation": 1800}, "", rng)
        return parts | _balanced(rows["test"], {"test": 20_000}, "", rng)
    if name == "category":
        return _take(rows["all"], {"train": 30_000, "test": 2400}, "validation", rng)
    if name == "humor":
        return _balanced(rows["all"], {"train": 7500, "validation": 571}, "test", rng)
    if name in ("imdb", "sst2") and "validation" not in rows:
        return rows | _take(rows["train"], {"validation": len(rows["train"]) // 10}, "train", rng)
    return rows


def _take(
    rows: Sequence[tuple[str, str]], sizes: dict[str, int], rest: str, rng: random.Random
) -> dict[str, list[tuple[str, str]]]:
    """Rows at random, so many of each split, and the rest; smaller sets give what they have."""
    order = list(rows)
    rng.shuffle(order)
    out: dict[str, list[tuple[str, str]]] = {}
    for split, size in sizes.items():
        out[split], order = order[:size], order[size:]
    if rest:
        out[rest] = order
    return out


def _balanced(
    rows: Sequence[tuple[str, str]], sizes: dict[str, int], rest: str, rng: random.Random
) -> dict[str, list[tuple[str, str]]]:
    """The same within each label."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    out: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for label in sorted(groups):
        for split, part in _take(groups[label], sizes, rest, rng).items():
            out[split] += part
    return dict(out)


def _hub(source: Source) -> dict[str, Iterator[tuple[str, str]]]:
    from datasets import Dataset, load_dataset

    if not source.hub:
        raise UserError("this set is not on the hub", "pass --src with the published files")
    try:
        revision = load_paper("synthesizrr").revision(source.hub)
        found = load_dataset(source.hub, revision=revision)
    except (OSError, ValueError, ConnectionError) as error:
        first = first_line(error)
        raise UserError(
            f"{source.hub}: cannot be loaded: {first}", "pass --src with the published files"
        ) from None

    def pairs(rows: Dataset) -> Iterator[tuple[str, str]]:
        feature = rows.features.get(source.label)
        names = getattr(feature, "names", None)
        for row in rows:
            value = row[source.label]
            label = str(names[value] if names and isinstance(value, int) else value)
            yield source.names.get(label, label), row[source.text]

    splits = {"train": "train", "validation": "validation", "dev": "validation", "test": "test"}
    return {splits[name]: pairs(rows) for name, rows in found.items() if name in splits}


def _file(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise UserError(f"{folder}: no {' or '.join(names)} in it")


def _csv_rows(file: Path, encoding: str = "utf-8") -> Iterator[list[str]]:
    csv.field_size_limit(1 << 30)
    with file.open(encoding=encoding, newline="", errors="replace") as stream:
        yield from csv.reader(stream)


def _json_splits(
    folder: Path, text: str, label: Callable[[object], str]
) -> dict[str, Iterator[tuple[str, str]]]:
    """Files `train`, `dev` or `validation`, `test` of JSON lines."""

    def pairs(file: Path) -> Iterator[tuple[str, str]]:
        for number, row in read_json_lines(file):
            if text not in row or "label" not in row:
                raise UserError(f"{file}:{number}: missing field {text!r} or 'label'")
            yield label(row["label"]), row[text]

    found = {}
    for split, names in (
        ("train", ("train",)),
        ("validation", ("dev", "validation")),
        ("test", ("test",)),
    ):
        for name in names:
            for ending in (".jsonl", ".jsonl.gz"):
                if (folder / f"{name}{ending}").exists():
                    found[split] = pairs(folder / f"{name}{ending}")
    return found


def _ag_news(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    if found := _json_splits(folder, "text", lambda label: AG_LABELS.get(str(label), str(label))):
        return found

    def pairs(file: Path) -> Iterator[tuple[str, str]]:
        for number, title, body in _csv_rows(file):
            if number in AG_LABELS:
                yield AG_LABELS[number], body
            elif title != "Title":
                raise UserError(f"{file}: class {number!r} is not 1 to 4")

    return {split: pairs(_file(folder, f"{split}.csv")) for split in ("train", "test")}


def _hyperpartisan(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    found = _json_splits(folder, "text", lambda label: str(label).lower())
    if not found:
        raise UserError(f"{folder}: no train.jsonl, dev.jsonl, test.jsonl in it")
    return found


def _toi(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    known = set(load_task("toi_headlines").labels)

    def pairs() -> Iterator[tuple[str, str]]:
        for row in _csv_rows(_file(folder, "india-news-headlines.csv")):
            kind = row[1].removeprefix("home.").split(".")[0]
            if kind in known and len(row[2]) >= TOI_LEAST:
                yield kind, row[2]

    return {"all": pairs()}


def _polarity(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    def pairs(file: Path) -> Iterator[tuple[str, str]]:
        for number, _, content in _csv_rows(file):
            yield {"1": "negative", "2": "positive"}[number], content

    return {split: pairs(_file(folder, f"{split}.csv")) for split in ("train", "test")}


_REVIEW = re.compile(r"<review_text>(.*?)</review_text>", re.DOTALL)
MERGED = {
    "grocery": "grocery_and_gourmet_food",
    "gourmet_food": "grocery_and_gourmet_food",
    "jewelry_&_watches": "jewelry_and_watches",
    "cell_phones_&_service": "cell_phones_service",
    "computer_&_video_games": "computer_video_games",
    "camera_&_photo": "camera_photo",
    "health_&_personal_care": "health_and_personal_care",
    "kitchen_&_housewares": "kitchen",
    "music": "music_album",
    "musical_instruments": "musical_and_instruments",
    "sports_&_outdoors": "sports_outdoors",
    "tools_&_hardware": "tools_hardware",
    "toys_&_games": "toys_games",
}


def _category(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    """Johns Hopkins' reviews: a folder a category, or the archive `unprocessed.tar.gz`."""
    known = set(load_task("category").labels)

    def texts() -> Iterator[tuple[str, bytes]]:
        archive = folder if folder.is_file() else folder / "unprocessed.tar.gz"
        if archive.is_file():
            with tarfile.open(archive) as tar:
                for member in tar:
                    if member.name.endswith(".review") and (stream := tar.extractfile(member)):
                        yield member.name, stream.read()
            return
        for file in sorted(folder.glob("**/*.review")):
            yield str(file), file.read_bytes()

    def pairs() -> Iterator[tuple[str, str]]:
        for name, content in texts():
            kind = Path(name).parent.name
            label = MERGED.get(kind, kind)
            part = Path(name).stem
            if label not in known or part not in ("positive", "negative"):
                continue
            # The negative reviews are in Windows' code page.
            text = content.decode("cp1252" if part == "negative" else "utf-8", errors="replace")
            for review in _REVIEW.findall(text):
                yield label, " ".join(review.split())

    return {"all": pairs()}


def _humor(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    def pairs() -> Iterator[tuple[str, str]]:
        for label, names in (
            ("humorous", ("Humorous.csv",)),
            ("non_humorous", ("Non-humorous-biased.csv", "Non-humorous-unbiased.csv")),
        ):
            rows = _csv_rows(_file(folder, *names))
            head = next(rows)
            if "question" not in head:
                raise UserError(f"{folder / names[0]}: no column 'question'")
            column = head.index("question")
            for row in rows:
                yield label, row[column]

    return {"all": pairs()}


def _imdb(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    def pairs(split: str) -> Iterator[tuple[str, str]]:
        for kind, label in (("neg", "negative"), ("pos", "positive")):
            files = sorted((folder / split / kind).glob("*.txt"))
            if not files:
                raise UserError(f"{folder / split / kind}: no reviews in it")
            for file in files:
                text = file.read_text(encoding="utf-8").replace("<br />", " ")
                yield label, " ".join(text.split())

    return {split: pairs(split) for split in ("train", "test")}


def _sst2(folder: Path) -> dict[str, Iterator[tuple[str, str]]]:
    def pairs(file: Path) -> Iterator[tuple[str, str]]:
        with file.open(encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                text, _, number = line.rstrip("\n").rpartition("\t")
                yield {"0": "negative", "1": "positive"}[number], text.strip()

    # GLUE keeps its test labels, so its dev set is the test set.
    return {"train": pairs(_file(folder, "train.tsv")), "test": pairs(_file(folder, "dev.tsv"))}


SOURCES = {
    "ag_news": Source("zapsdcn/ag", _ag_news, names=AG_LABELS),
    "hyperpartisan": Source(
        "zapsdcn/hyperpartisan_news", _hyperpartisan, names={"True": "true", "False": "false"}
    ),
    "toi_headlines": Source("", _toi),
    "polarity": Source("amazon_polarity", _polarity, text="content"),
    "category": Source("", _category),
    "humor": Source("", _humor),
    "imdb": Source("imdb", _imdb, names={"neg": "negative", "pos": "positive"}),
    "sst2": Source("sst2", _sst2, text="sentence"),
}
