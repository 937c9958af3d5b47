"""Files of samples: the paper's rows, and what people have."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Completion, recorded_answers
from tenpapers.records import read_json_lines

from ..records import InstanceId, SampleSet
from .clean import clean

WANTED = (
    "wanted: `outputs` (a list of responses), `text`, `response`, `completion`, chat `messages` that "
    "end with the assistant, or a line of OpenAI batch output"
)


def model_name(path: Path) -> str:
    """Name of the model whose samples or judgements a file holds."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".parsed")


def load_samples(path: Path | str, *, closing_fence: bool = True) -> SampleSet:
    """Read the samples of one model, from a JSONL file that may end in `.gz`.

    A row holds all samples of a question (`outputs`), or one, in any form that
    `tenpapers.generation.recorded_answers` reads; rows of one question may then be several. A
    question is known by `metadata.instance_id`, the row's id, its prompt, or the number of its line
    from 0, the first of them that there is.

    Parameters
    ----------
    closing_fence : see `clean`.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without responses, two rows of
        `outputs` for one question.
    """
    path = Path(path)
    completions: dict[InstanceId, list[Completion]] = {}
    whole: set[InstanceId] = set()
    for number, row in read_json_lines(path):
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: a row is an object", WANTED)
        try:
            found = _completions(row)
        except (LookupError, TypeError, ValueError, AttributeError):
            found = None
        if found is None:
            raise UserError(f"{path}:{number}: no responses in it", WANTED)
        name = _instance_id(row, number - 1)
        if name in whole or (name in completions and "outputs" in row):
            raise UserError(f"{path}:{number}: instance {name!r} stands there twice")
        if "outputs" in row:
            whole.add(name)
        completions.setdefault(name, []).extend(found)
    if not completions:
        raise UserError(f"{path}: no records in it")
    return sample_set(model_name(path), completions, closing_fence=closing_fence)


def sample_set(
    model: str,
    completions: Mapping[InstanceId, Iterable[Completion]],
    *,
    closing_fence: bool = True,
) -> SampleSet:
    """Samples of one model by question, with the texts that are measured."""
    kept = [list(found) for found in completions.values()]
    # Of a request that failed as a whole nobody said how many samples it was for.
    samples = max(1, *(len(found) for found in kept))
    kept = [found or [_failed("the whole request failed")] * samples for found in kept]
    texts = [
        [None if one.failed else clean(one.text, closing_fence) for one in found] for found in kept
    ]
    return SampleSet(model, list(completions), kept, texts)


def _instance_id(row: Mapping[str, Any], line: int) -> InstanceId:
    metadata = row.get("metadata")
    known = metadata.get("instance_id") if isinstance(metadata, dict) else None
    if known is None:
        names = ("instance_id", "custom_id", "id", "task_id", "question_id", "doc_id", "prompt")
        known = next((row[name] for name in names if isinstance(row.get(name), int | str)), line)
    return known if isinstance(known, int) else str(known)


def _completions(row: Mapping[str, Any]) -> list[Completion] | None:
    if row.get("ok") is False:
        return []
    if "outputs" in row:
        return [_output(output) for output in row["outputs"]] or None
    answers = recorded_answers(row)
    return None if answers is None else list(answers.completions)


def _output(output: str | Mapping[str, Any]) -> Completion:
    """One of the `outputs` of a row: a text, a server's, a chat API's, or an error."""
    if isinstance(output, str):
        return Completion(id="", text=output, finish_reason="stop")
    if output.get("error") is not None:
        return _failed(output["error"])
    answers = recorded_answers({"choices": [output]} if "message" in output else output)
    if answers is None:
        raise ValueError("no text")
    return answers.completions[0]


def _failed(error: object) -> Completion:
    return Completion(id="", text="", finish_reason="error", error=str(error or "failed"))
