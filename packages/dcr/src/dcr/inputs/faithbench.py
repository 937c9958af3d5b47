"""FaithBench: sources, models' summaries, and the spans that people marked in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.records import first_problem, read_json, read_json_lines

from ..records import GoldError, Instance

Row = dict[str, Any]
_WANTED = "wanted: faithbench.jsonl.gz of `dcr data fetch`, or batch_*.json of vectara/FaithBench"
# Fields of an annotation that are called otherwise in the published files.
_SPANS = ("summary_span", "summary_start", "summary_end")


def read_faithbench(source: Path) -> list[Instance]:
    """Read our file, one published batch, or a folder of batches.

    A gold error is one annotation of one person, with its span, labels and note.

    Raises
    ------
    UserError : no such file, a row that is not FaithBench's, a span that is not where it says.
    """
    return [_instance(where, row) for where, row in _rows(source)]


def published_rows(file: Path) -> Iterator[Row]:
    """Rows of ours from a published batch; its number comes from the file's name."""
    batch = file.stem.removeprefix("batch_")
    for sample in read_json(file)["samples"]:
        metadata: Row = sample["metadata"]
        detectors = {
            name: value
            for name, value in metadata.items()
            if name not in ("summarizer", "raw_sample_id")
        }
        yield {
            "id": f"b{batch}_{sample['sample_id']}",
            "source": sample["source"],
            "summary": sample["summary"],
            "summarizer": metadata["summarizer"],
            "annotations": [_annotation(given) for given in sample["annotations"]],
            "detectors": detectors,
        }


def _annotation(given: Row) -> Row:
    span, start, end = (given[name] for name in _SPANS)
    return {
        "annotator": given["annotator_name"],
        "label": given["label"],
        "note": given["note"],
        "span": span,
        "start": start,
        "end": end,
        "source_span": given["source_span"],
        "source_start": given["source_start"],
        "source_end": given["source_end"],
    }


def _rows(source: Path) -> Iterator[tuple[str, Row]]:
    """Rows with where they stand."""
    if source.is_dir():
        files = sorted(source.glob("batch_*.json"), key=lambda file: (len(file.stem), file.stem))
        if not files:
            raise UserError(f"{source}: no batch of FaithBench in it", _WANTED)
        for file in files:
            yield from _rows(file)
    elif source.suffix == ".json":
        try:
            for row in published_rows(source):
                yield f"{source}: sample {row['id']}", row
        except (KeyError, TypeError) as error:
            raise UserError(f"{source}: is no batch of FaithBench: {error}", _WANTED) from None
    else:
        for number, row in read_json_lines(source):
            yield f"{source}:{number}", row


def _instance(where: str, row: Row) -> Instance:
    known = {"id", "source", "summary", "annotations"}
    if not isinstance(row, dict) or not known <= row.keys():
        raise UserError(f"{where}: is no row of FaithBench", _WANTED)
    try:
        gold = [GoldError.model_validate(given) for given in row["annotations"]]
    except ValidationError as error:
        raise UserError(f"{where}: {first_problem(error)}") from None
    for found in gold:
        if found.span != row["summary"][found.start : found.end]:
            raise UserError(f"{where}: the summary has another text where {found.span!r} should be")
    more = {name: value for name, value in row.items() if name not in known}
    return Instance(
        id=row["id"], document=row["source"], response=row["summary"], gold=gold, **more
    )
