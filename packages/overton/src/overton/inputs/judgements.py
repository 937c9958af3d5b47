"""Files of verdicts: ours, the paper's raw ones, and the paper's parsed ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import InstanceId, JudgeKind, Judgement, Status
from .parse_judgement import kind_of, parse_judgement
from .samples import model_name

# Verdicts without a judge's words, as the paper's parsed files have them.
_PARSED: dict[str, JudgeKind] = {"stance": "stance", "scores": "quality"}


def load_judgements(path: Path, kind: JudgeKind | None = None) -> list[Judgement]:
    """Read the verdicts of one judge on one model's responses.

    A row has `metadata` (`instance_id`, `sample_index` or `alt_sample_index`) and either `outputs`
    with the judge's words, or `value`.

    Parameters
    ----------
    kind : the judge; None reads it from the rows.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without `outputs` and `value`,
        verdicts of another judge than `kind`.
    """
    judgements = []
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: a row is an object")
        kind = _checked_kind(row, kind, where)
        judgements.append(_judgement(row, kind, model_name(path), number - 1, where))
    if not judgements:
        raise UserError(f"{path}: no records in it")
    if kind is None or all(one.status == "missing_key" for one in judgements):
        said = f"no verdict of the {kind} judge in it" if kind else "verdicts of no judge we know"
        raise UserError(f"{path}: {said}", "is it the right file?")
    return judgements


def _checked_kind(row: Mapping[str, Any], kind: JudgeKind | None, where: str) -> JudgeKind | None:
    found: JudgeKind | None = row.get("kind") if row.get("kind") in get_args(JudgeKind) else None
    found = found or next((known for key, known in _PARSED.items() if key in row), None)
    if found is None and kind is None:
        found = kind_of(_words(row) or "")
    if kind is not None and found is not None and found != kind:
        raise UserError(f"{where}: a verdict of the {found} judge, {kind} is wanted")
    return kind or found


def _judgement(
    row: Mapping[str, Any], kind: JudgeKind | None, model: str, line: int, where: str
) -> Judgement:
    metadata = row.get("metadata") or {}
    name: InstanceId = metadata.get("instance_id", line)
    reference = metadata.get("ref_sample_index")
    index = metadata.get("sample_index", metadata.get("alt_sample_index", 0))
    raw = _words(row)
    value: Any = None
    status: Status = "call_failed"
    if "status" in row and "value" in row:
        value, status = row["value"], row["status"]
    elif row.get("ok") is False:
        pass
    elif "stance" in row:
        value, status = parse_judgement("stance", _as_json({"stance": row["stance"]}))
    elif "scores" in row:
        value, status = parse_judgement("quality", _as_json(row["scores"]))
    elif "value" in row:
        value, status = row["value"], "ok"
    elif "outputs" in row:
        value, status = parse_judgement(kind or "stance", raw)
    else:
        raise UserError(f"{where}: neither `outputs` nor `value` in it")
    return Judgement(
        kind=kind or "stance",
        model=str(row.get("model") or model),
        instance_id=name,
        sample_index=int(index),
        ref_sample_index=None if reference is None else int(reference),
        raw=raw or "",
        value=value,
        status=status,
    )


def _words(row: Mapping[str, Any]) -> str | None:
    """The judge's words in a row; None where the call failed."""
    if isinstance(row.get("raw"), str):
        return str(row["raw"])
    outputs = row.get("outputs") or [None]
    output = outputs[0]
    if isinstance(output, str) or output is None:
        return output
    message = output.get("message") or {}
    words = message.get("content", output.get("generated_text"))
    return words if isinstance(words, str) else None


def _as_json(value: object) -> str:
    import json

    return json.dumps(value)
