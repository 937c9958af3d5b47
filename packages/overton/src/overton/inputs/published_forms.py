"""The forms in which the paper's files were published, as rows of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import ASPECTS
from .instances import queries_in

if TYPE_CHECKING:
    from jaxtyping import Float32
    from numpy import ndarray

Row = dict[str, Any]
SETS = ("LIMA-OE", "ConflictingQA")
# Runs whose examples are other queries of the set, known by their name.
_SHOWS_OTHERS = ("-rand", "-knn-", "-5nn-")
_DIGITS = 7


def instance_rows(file: Path) -> list[Row]:
    """Prompts; an instance's id is the number of its line from 0."""
    return [{"metadata": {"instance_id": number}} | row for number, row in _rows(file)]


def sample_rows(file: Path, model: str, queries: Sequence[str]) -> list[Row]:
    """Samples of a run, without prompts; which queries were shown where the prompt tells.

    Parameters
    ----------
    queries : of the set, in the order of their ids.
    """
    ids = {query: number for number, query in enumerate(queries)}
    shows = any(part in model for part in _SHOWS_OTHERS)
    rows = []
    for number, row in _rows(file):
        metadata: Row = {"instance_id": number}
        shown = queries_in(row.get("prompt") or "")[:-1] if shows else []
        if shown:
            metadata["shot_ids"] = [ids[query] for query in shown]
        rows.append({"metadata": metadata} | _answers(row))
    return rows


def pair_text_rows(file: Path) -> list[Row]:
    """Samples of a run, from the texts of which BERTScore was computed."""
    published = _object(file)
    texts: dict[int, list[Row]] = {}
    for number, text in zip(published["instance_ids"], published["alt_texts"], strict=True):
        texts.setdefault(number, []).append({"generated_text": text})
    return [
        {"metadata": {"instance_id": number}, "outputs": outputs}
        for number, outputs in texts.items()
    ]


def pair_score_rows(file: Path) -> list[Row]:
    """BERTScore of pairs of responses."""
    published = _object(file)
    names = ("precision", "recall", "f1")
    columns = [published["results"][name] for name in names]
    ids = zip(
        published["instance_ids"],
        published["ref_sample_ids"],
        published["alt_sample_ids"],
        strict=True,
    )
    return [
        {
            "metadata": {
                "instance_id": instance,
                "ref_sample_index": reference,
                "alt_sample_index": alternative,
            }
        }
        | {name: round(value, _DIGITS) for name, value in zip(names, values, strict=True)}
        for (instance, reference, alternative), *values in zip(ids, *columns, strict=True)
    ]


def verdict_rows(file: Path, count: int, *, paired: bool, parsed: str = "") -> list[Row]:
    """A judge's verdicts, question by question; they have no ids of their own.

    Parameters
    ----------
    count : of the set's questions.
    paired : whether two responses were compared, the first of the reference with each.
    parsed : `stance` or `scores`: keep that alone of the judge's words.

    Raises
    ------
    UserError : the verdicts are not as many for each question.
    """
    rows = list(_rows(file))
    if len(rows) % count:
        raise UserError(f"{file}: {len(rows)} verdicts on {count} questions")
    each = len(rows) // count
    found = []
    for number, row in rows:
        instance, index = divmod(number, each)
        indices = (
            {"ref_sample_index": 0, "alt_sample_index": index}
            if paired
            else {"sample_index": index}
        )
        said = _answers(row)
        if parsed:
            said = {"ok": said["ok"], parsed: _PARSED[parsed](_verdict(said))}
        found.append({"metadata": {"instance_id": instance} | indices} | said)
    return found


def embeddings(file: Path) -> Float32[ndarray, "texts dim"]:
    """Vectors of the queries of a set."""
    import numpy as np

    with np.load(file, allow_pickle=False) as stored:
        return np.asarray(stored["embeddings"], dtype=np.float32)


def _answers(row: Mapping[str, Any]) -> Row:
    """`ok` and `outputs` of a row, without fields that say nothing."""
    outputs = [_told(output) for output in row.get("outputs") or []]
    return ({"ok": row["ok"]} if "ok" in row else {}) | {"outputs": outputs}


def _told(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: _told(part) for name, part in value.items() if part is not None}


def _verdict(row: Mapping[str, Any]) -> Row:
    """The object that a judge wrote; empty where it is none."""
    try:
        said = json.loads(row["outputs"][0]["message"]["content"])
    except (ValueError, LookupError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}


def _scores(verdict: Row) -> Row:
    return {name: (verdict.get(name) or {}).get("score") for name in ASPECTS}


_PARSED: dict[str, Callable[[Row], object]] = {
    "stance": lambda verdict: verdict.get("stance"),
    "scores": _scores,
}


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    """Rows with the number of their line from 0."""
    for number, row in read_json_lines(file):
        yield number - 1, row


def _object(file: Path) -> Row:
    published: Row = json.loads(file.read_text(encoding="utf-8"))
    return published
