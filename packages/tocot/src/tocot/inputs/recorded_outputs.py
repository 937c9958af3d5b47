"""Responses that other programs recorded, as outputs: batches, harness samples, Inspect, HELM."""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.generation import recorded_answers
from tenpapers.records import first_problem, read_json, read_json_lines

from ..records import Output

Sample = dict[str, Any]
WHOLE_FILES = (".json", ".eval")  # one value a file, not one a line
_HARNESS_FILE = re.compile(r"samples_(.+?)_\d{4}-\d\d-\d\d")
_OTHER_NAMES = {
    "gold": ("target", "answerKey", "reference", "expected"),
    "question": ("prompt", "input"),
}
_INSPECT_ENDINGS = {"max_tokens": "length", "model_length": "length"}
_FORMS = (
    "known are Output and Replay records, OpenAI batch output, chat completions, samples of "
    "lm-evaluation-harness, Inspect logs, HELM's scenario_state.json, and rows of "
    "id, response (or completion, text), gold, choices"
)


def read_outputs(path: Path, *, task: str = "", setting: str = "") -> list[Output]:
    """Outputs of a file in any of the forms of the field.

    Parameters
    ----------
    task, setting : of rows that do not say their own. A harness' or Inspect's file names its task.

    Raises
    ------
    UserError : a row without an answer, task or setting, or with several answers; what the readers
        of files raise.
    """
    outputs = []
    told = {name: value for name, value in (("task", task), ("setting", setting)) if value}
    for where, row in _samples(path):
        given = told | _named(_answered(row, where))
        for name in ("task", "setting"):
            if not given.get(name):
                raise UserError(f"{where}: no {name} in it", f"--{name}; {_FORMS}")
        try:
            outputs.append(Output.model_validate(given))
        except ValidationError as error:
            raise UserError(f"{where}: {first_problem(error)}") from None
    if not outputs:
        raise UserError(f"{path}: no records in it")
    return outputs


def _answered(row: Sample, where: str) -> Sample:
    """A row with its answer as an output has it; what we do not know passes through."""
    if "response" in row and "id" in row and "custom_id" not in row:
        return row
    answers = recorded_answers(row)
    if answers is None:
        raise UserError(f"{where}: neither an Output nor a Replay record", _FORMS)
    if len(answers.completions) != 1:
        raise UserError(f"{where}: {len(answers.completions)} answers", "one answer a question")
    (answer,) = answers.completions
    return answers.fields | {
        "id": answers.id,
        "response": None if answer.failed else answer.text,
        "finish_reason": answer.outcome if answer.failed else answer.finish_reason,
        "errored": answer.failed,
        "prompt_tokens": answer.n_prompt_tokens,
        "new_tokens": answer.n_output_tokens,
    }


def _named(row: Sample) -> Sample:
    """A row whose question, gold answer and options have our names, its own or its document's."""
    doc = row.get("doc")
    known = {**(doc if isinstance(doc, Mapping) else {}), **row}
    names: dict[str, Any] = {"choices": known.get("choices")}
    for name, others in _OTHER_NAMES.items():
        values = [known[other] for other in (name, *others) if known.get(other) is not None]
        if values and (name == "gold" or isinstance(values[0], str)):
            names[name] = values[0]
    return {name: value for name, value in row.items() if name != "doc"} | names


def _samples(path: Path) -> Iterator[tuple[str, Sample]]:
    """The rows of a file, each with its place."""
    if path.suffix == ".eval":
        yield from _inspect_archive(path)
        return
    if path.suffix == ".json":
        value = read_json(path)
        rows = value if isinstance(value, list) else [value]
        if isinstance(value, dict) and "samples" in value:
            rows = _inspect(value.get("eval") or {}, value["samples"])
        elif isinstance(value, dict) and "request_states" in value:
            rows = _helm(value)
        numbered = list(enumerate(rows, 1))
    else:
        harness = _HARNESS_FILE.match(path.name)
        named = {"task": harness.group(1)} if harness else {}
        numbered = [
            (number, named | row if isinstance(row, dict) else row)
            for number, row in read_json_lines(path)
        ]
    for number, row in numbered:
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: neither an Output nor a Replay record", _FORMS)
        yield f"{path}:{number}", row


def _inspect_archive(path: Path) -> Iterator[tuple[str, Sample]]:
    """Samples of an Inspect log in its packed form."""
    try:
        with zipfile.ZipFile(path) as log:
            head = json.loads(log.read("header.json"))["eval"]
            names = sorted(name for name in log.namelist() if name.startswith("samples/"))
            samples = [json.loads(log.read(name)) for name in names]
    except (OSError, KeyError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: not read as an Inspect log: {error}", "`inspect log dump FILE > LOG.json`"
        ) from None
    for name, row in zip(names, _inspect(head, samples), strict=True):
        yield f"{path}:{name}", row


def _inspect(head: Mapping[str, Any], samples: list[Sample]) -> list[Sample]:
    """Samples of Inspect: what was asked, the options, the target, the model's message."""
    rows = []
    for sample in samples:
        asked = sample.get("input")
        if isinstance(asked, list):
            asked = "\n\n".join(_words(turn.get("content")) for turn in asked)
        output = sample.get("output") or {}
        ended = [
            {
                "message": one["message"],
                "finish_reason": _INSPECT_ENDINGS.get(one.get("stop_reason"), "stop"),
            }
            for one in output.get("choices") or []
        ]
        answer = recorded_answers({"id": sample.get("id"), "choices": ended[:1]})
        row: Sample = {
            "id": sample.get("id"),
            "task": str(head.get("task") or "").rpartition("/")[2],
            "model": output.get("model") or head.get("model") or "",
            "prompt": asked,
            "target": sample.get("target"),
            "text": answer.completions[0].text if answer else "",
            "finish_reason": answer.completions[0].finish_reason if answer else "error",
            "doc": {"choices": sample.get("choices")},
        }
        rows.append(row)
    return rows


def _words(content: str | Sequence[object] | None) -> str:
    """The text of a message that is one, or is made of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or [] if isinstance(part, dict))


def _helm(state: Mapping[str, Any]) -> list[Sample]:
    """Request states of HELM: the instance with its references, the first completion."""
    rows = []
    for asked in state["request_states"]:
        instance, result = asked["instance"], asked.get("result") or {}
        right = [
            one["output"]["text"]
            for one in instance.get("references") or []
            if "correct" in (one.get("tags") or [])
        ]
        options = asked.get("output_mapping")
        done = (result.get("completions") or [{}])[0]
        ended = done.get("finish_reason") or {}
        row: Sample = {
            "id": instance.get("id"),
            "model": (asked.get("request") or {}).get("model") or "",
            "prompt": (instance.get("input") or {}).get("text") or "",
            "target": right[0] if len(right) == 1 or (right and options) else right,
            "text": done.get("text") or "",
            "finish_reason": ended.get("reason") or ("stop" if done else "error"),
            "error": result.get("error"),
            "doc": {"choices": options},
        }
        rows.append(row)
    return rows
