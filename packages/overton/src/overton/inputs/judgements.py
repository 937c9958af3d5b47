"""Files of verdicts: ours, the paper's raw ones, and the paper's parsed ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import InstanceId, JudgeKind, Judgement, Status
from .parse_judgement import kind_of, parse_judgement
from .samples import is_name, model_name

# Which samples of a question were judged, and with which of a reference's.
_Seen = dict[InstanceId, set[tuple[int, object]]]
# What names the question of a verdict; ids of rows last, which may tell samples apart.
_QUESTIONS = ("instance_id", "question_id", "doc_id", "task_id", "prompt", "custom_id", "id")
# Verdicts without a judge's words, as the paper's parsed files have them.
_PARSED: dict[str, JudgeKind] = {"stance": "stance", "scores": "quality"}


def load_judgements(path: Path, kind: JudgeKind | None = None) -> list[Judgement]:
    """Read the verdicts of one judge on one model's responses.

    A row has `metadata` (`instance_id`, `sample_index` or `alt_sample_index`), or these as fields
    of its own, and either `outputs` with the judge's words, or `value`. Verdicts of one question
    without an index are on its samples in their order.

    Parameters
    ----------
    kind : the judge; None reads it from the rows.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without `outputs` and `value`,
        a row that names no question, two verdicts on one sample, verdicts of another judge than
        `kind`.
    """
    judgements: list[Judgement] = []
    seen: _Seen = {}
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: a row is an object")
        kind = _checked_kind(row, kind, where)
        name, index = _place(row, seen, where)
        judgements.append(_judgement(row, kind, model_name(path), name, index, where))
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
    row: Mapping[str, Any],
    kind: JudgeKind | None,
    model: str,
    name: InstanceId,
    index: int,
    where: str,
) -> Judgement:
    reference = (row.get("metadata") or row).get("ref_sample_index")
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
        sample_index=index,
        ref_sample_index=None if reference is None else int(reference),
        raw=raw or "",
        value=value,
        status=status,
    )


def _place(row: Mapping[str, Any], seen: _Seen, where: str) -> tuple[InstanceId, int]:
    """The question that a verdict is on, and the number of the sample."""
    told = {**row, **(row.get("metadata") or {})}
    name = next((told[key] for key in _QUESTIONS if is_name(told.get(key))), None)
    if name is None:
        raise UserError(
            f"{where}: names no question", "wanted: `metadata` with `instance_id`, `sample_index`"
        )
    known = seen.setdefault(name, set())
    index = told.get("sample_index", told.get("alt_sample_index"))
    index = len(known) if index is None else int(index)
    pair = index, told.get("ref_sample_index")
    if pair in known:
        raise UserError(f"{where}: a second verdict on sample {index} of instance {name!r}")
    known.add(pair)
    return name, index


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
