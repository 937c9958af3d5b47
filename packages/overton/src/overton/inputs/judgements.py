"""Files of verdicts: ours, the paper's raw ones, and the paper's parsed ones."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import InstanceId, JudgeKind, Judgement, Status, instance_id
from .parse_judgement import kind_of, kind_of_value, parse_judgement, read_value
from .samples import is_name, model_name

# What names the question of a verdict; ids of rows last, which may tell samples apart.
_QUESTIONS = ("instance_id", "question_id", "doc_id", "task_id", "prompt", "custom_id", "id")
# Verdicts without a judge's words, as the paper's parsed files have them.
_PARSED: dict[str, JudgeKind] = {"stance": "stance", "scores": "quality"}


def load_judgements(path: Path, kind: JudgeKind | None = None) -> list[Judgement]:
    """Read the verdicts of one judge on one model's responses.

    A row has `metadata` (`instance_id`, `sample_index` or `alt_sample_index`), or these as fields
    of its own, and either `outputs` with the judge's words, or `value`, which is checked as a
    judge's words are. Verdicts of one question without an index are on its samples in their order.

    Parameters
    ----------
    kind : the judge; None reads it from the rows.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without `outputs` and `value`,
        a row that names no question, two verdicts on one sample, verdicts of another judge than
        `kind`.
    """
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, row in read_json_lines(path):
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: a row is an object")
        kind = _checked_kind(row, kind, f"{path}:{number}")
        rows.append((number, row))
    if not rows:
        raise UserError(f"{path}: no records in it")
    # A row may be the first that shows whose verdicts all of them are.
    seen: Counter[InstanceId] = Counter()
    judgements = []
    for number, row in rows:
        name, index, reference = _place(row, seen, f"{path}:{number}")
        value, status = _verdict(row, kind or "stance", f"{path}:{number}")
        judgements.append(
            Judgement(
                kind=kind or "stance",
                model=str(row.get("model") or model_name(path)),
                instance_id=name,
                sample_index=index,
                ref_sample_index=reference,
                raw=_words(row) or "",
                value=value,
                status=status,
            )
        )
    if kind is None or all(one.status == "missing_key" for one in judgements):
        said = f"no verdict of the {kind} judge in it" if kind else "verdicts of no judge we know"
        raise UserError(f"{path}: {said}", "is it the right file?")
    refuse_repeats(judgements, str(path))
    return judgements


def refuse_repeats(judgements: Iterable[Judgement], where: str) -> None:
    """See that every response was judged once; a mean would count it twice.

    Raises
    ------
    UserError : two verdicts of one response.
    """
    seen = set()
    for one in judgements:
        key = one.instance_id, one.ref_sample_index, one.sample_index
        if key in seen:
            raise UserError(
                f"{where}: a second verdict on sample {one.sample_index} of instance "
                f"{one.instance_id!r}",
                "take one of them out",
            )
        seen.add(key)


def _checked_kind(row: Mapping[str, Any], kind: JudgeKind | None, where: str) -> JudgeKind | None:
    found: JudgeKind | None = row.get("kind") if row.get("kind") in get_args(JudgeKind) else None
    found = found or next((known for key, known in _PARSED.items() if key in row), None)
    if found is None and kind is None:
        found = kind_of(_words(row) or "") or kind_of_value(row.get("value"))
    if kind is not None and found is not None and found != kind:
        raise UserError(f"{where}: a verdict of the {found} judge, {kind} is wanted")
    return kind or found


def _place(
    row: Mapping[str, Any], seen: Counter[InstanceId], where: str
) -> tuple[InstanceId, int, int | None]:
    """The question that a verdict is on, the number of the sample, and of the reference's."""
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise UserError(f"{where}: `metadata` is an object")
    told = {**row, **metadata}
    known = next((told[key] for key in _QUESTIONS if is_name(told.get(key))), None)
    if known is None:
        raise UserError(
            f"{where}: names no question", "wanted: `metadata` with `instance_id`, `sample_index`"
        )
    name = instance_id(known, 0)
    index = told.get("sample_index", told.get("alt_sample_index"))
    reference = told.get("ref_sample_index")
    for value in (index, reference):
        if value is not None and not re.fullmatch(r"\d{1,9}(\.0)?", str(value)):
            raise UserError(f"{where}: the index of a sample is a number, not {value!r}")
    seen[name] += 1
    return (
        name,
        seen[name] - 1 if index is None else int(float(index)),
        None if reference is None else int(float(reference)),
    )


def _verdict(row: Mapping[str, Any], kind: JudgeKind, where: str) -> tuple[Any, Status]:
    status = row.get("status", "ok")
    if status not in get_args(Status):
        raise UserError(f"{where}: status {status!r}", f"one of {', '.join(get_args(Status))}")
    if "status" in row and "value" in row:
        value, found = read_value(kind, row["value"])
        return value, found if status == "ok" else status
    if row.get("ok") is False:
        return None, "call_failed"
    if "stance" in row:
        return read_value("stance", row["stance"])
    if "scores" in row:
        return parse_judgement("quality", json.dumps(row["scores"]))
    if "value" in row:
        return read_value(kind, row["value"])
    if "outputs" in row:
        return parse_judgement(kind, _words(row))
    raise UserError(f"{where}: neither `outputs` nor `value` in it")


def _words(row: Mapping[str, Any]) -> str | None:
    """The judge's words in a row; None where the call failed."""
    if isinstance(row.get("raw"), str):
        return str(row["raw"])
    outputs = row.get("outputs")
    output = outputs[0] if isinstance(outputs, list) and outputs else None
    if isinstance(output, str):
        return output
    if not isinstance(output, dict):
        return None
    message = output.get("message")
    words = (message if isinstance(message, dict) else output).get(
        "content", output.get("generated_text")
    )
    return words if isinstance(words, str) else None
