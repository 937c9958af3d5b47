"""The paper's public rows (TAUR-Lab on the hub), as outputs of ours."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError, first_line
from tenpapers.records import read_json_lines

from ..extraction.extract import extract
from ..inputs.task_registry import task_spec
from ..records import Choices, Output, PublicItem
from .grade import grade

SETTINGS = {
    "zero_shot_direct": "zs_direct",
    "zero_shot_cot": "zs_cot",
    "few_shot_direct": "fs_direct",
    "few_shot_cot": "fs_cot",
}
NOT_RUN = "[invalid]"


def import_rows(path: Path, task: str, model: str = "") -> tuple[list[Output], dict[str, int]]:
    """Outputs of all settings that were run, graded anew; and how often both gradings agree.

    Raises
    ------
    UserError : unknown task, a file of another form, a missing field.
    """
    spec = task_spec(task)
    outputs: list[Output] = []
    counts: Counter[str] = Counter()
    for number, row in _rows(path):
        for name in ("question", "choices", "answerKey"):
            if name not in row:
                raise UserError(f"{path}:{number}: missing field {name!r}")
        choices = _choices(row["choices"], f"{path}:{number}")
        gold = str(row["answerKey"] if choices or not row.get("answer") else row["answer"])
        for prefix, setting in SETTINGS.items():
            response = _first(row.get(f"{prefix}_model_response"))
            if response is None or str(response).startswith(NOT_RUN):
                counts["not run"] += response is not None
                continue
            public = PublicItem(id=str(number), answer_kind=spec.kind, choices=choices)
            found = extract(response, public, spec)
            logged = _flag(row.get(f"{prefix}_is_correct"))
            free = spec.kind == "judge"  # what its judge said is all there is
            correct = bool(logged) if free else grade(found, gold, spec.kind)
            errored = bool(_flag(row.get(f"{prefix}_errored"))) or (free and logged is None)
            if logged is not None and not free:
                counts["agree" if logged == correct else "disagree"] += 1
            outputs.append(
                Output(
                    id=f"{task}-{number}",
                    task=task,
                    model=model,
                    setting=setting,
                    response=response,
                    answer=found.answer,
                    span=found.span,
                    rule=found.rule,
                    correct=correct,
                    parsed=found.parsed,
                    choices=choices,
                    answer_kind=spec.kind,
                    gold=gold,
                    question=str(row["question"]),
                    errored=errored,
                    logged_correct=logged,
                )  # type: ignore[call-arg]
            )
    if not outputs:
        raise UserError(f"{path}: no setting of it was run")
    return outputs, dict(counts)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix != ".parquet":
        yield from read_json_lines(path)
        return
    if not path.exists():
        raise UserError(f"{path}: no such file")
    try:
        from pyarrow.parquet import ParquetFile

        rows = ParquetFile(path).read().to_pylist()  # plain lists and dicts at every depth
    except ImportError:
        raise UserError("parquet files need pyarrow", "pip install 'tocot[parquet]'") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not parquet: {first_line(error)}") from None
    yield from enumerate(rows, 1)


def _choices(value: object, where: str) -> Choices | None:
    """Options of a row: a struct, its JSON, or none at all."""
    try:
        if isinstance(value, str):
            value = json.loads(value) if value.strip() else None
        if not isinstance(value, dict) or not value.get("label"):
            return None
        return Choices(label=tuple(map(str, value["label"])), text=tuple(map(str, value["text"])))
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{where}: choices without two lists `label` and `text`") from None


def _first(value: Any) -> Any:
    """The first of a list (one sample a prompt), or the value itself."""
    if isinstance(value, list):
        return value[0] if value else None
    return value


def _flag(value: Any) -> bool | None:
    value = _first(value)
    return None if value is None or value != value else bool(value)
