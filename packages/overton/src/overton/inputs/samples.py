"""Files of samples: the paper's rows, and what people have."""

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from tenpapers.errors import UserError
from tenpapers.generation import Completion, recorded_answers
from tenpapers.records import read_json_lines

from ..records import InstanceId, SampleSet, instance_id, prompt_number
from .clean import clean, ends_with_fence
from .instances import query_of
from .stored_texts import StoredQueries, StoredTexts, TextStore

WANTED = (
    "wanted: `outputs` (a list of responses), `text`, `response`, `completion`, chat `messages` "
    "that end with the assistant, or a line of OpenAI batch output"
)
# What names a question; what names a row, which may be one of several samples of a question.
_QUESTION_IDS = ("instance_id", "question_id", "doc_id", "task_id")
_ROW_IDS = ("custom_id", "id")
# What was asked.
_PROMPTS = ("prompt", "question", "query", "instruction", "messages")
_ENDINGS = (".gz", ".jsonl", ".parsed")
# A longer prompt is known by its beginning and its hash.
_LONGEST_NAME = 200


def model_name(path: Path) -> str:
    """Name of the model whose samples or judgements a file holds."""
    name = path.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def load_samples(path: Path | str, *, closing_fence: bool = True) -> SampleSet:
    """Read the samples of one model, from a JSONL file that may end in `.gz`.

    A row holds all samples of a question (`outputs`), or one, in any form that
    `tenpapers.generation.recorded_answers` reads; rows of one question may then be several. A
    question is known by `metadata.instance_id`, the row's `question_id` or `doc_id`, its id, or the
    number of its line from 0, the first of them that there is; where ids name rows and prompts
    repeat, by its prompt. Whose prompts are told is matched with other models by them.

    Parameters
    ----------
    closing_fence : see `clean`.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without responses, two rows of
        `outputs` for one question.
    """
    path = Path(path)
    store = TextStore()
    rows: list[_Row] = []
    # A prompt that every sample of a question repeats is held once.
    prompts: dict[str | None, str | None] = {}
    queries: dict[int, int] = {}
    for number, row in read_json_lines(path):
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: a row is an object", WANTED)
        try:
            found = _completions(row)
        except (LookupError, TypeError, ValueError, AttributeError):
            found = None
        if found is None:
            raise UserError(f"{path}:{number}: no responses in it", WANTED)
        samples = [_sample(completion, closing_fence, store) for completion in found]
        prompt = _prompt(row)
        name, prompt = _name(row, number - 1), None if prompt is None else _known_by(prompt)
        prompt = prompts.setdefault(prompt, prompt)
        asked = prompt_number(_prompt(row, system=False))
        if not asked or asked not in queries:
            queries[asked] = store.add(query_of(row))
        query = queries[asked]
        rows.append(_Row(number, name, prompt, asked, query, "outputs" in row, samples))
    if not rows:
        raise UserError(f"{path}: no records in it")
    samples_of, first_rows = _by_question(rows, path)
    return replace(
        _sample_set(model_name(path), samples_of, store),
        prompts=array("Q", [row.asked for row in first_rows.values()]),
        queries=StoredQueries(store, [row.query for row in first_rows.values()]),
        has_ids=all(row.name.is_told for row in rows) and not _prompts_name_questions(rows),
    )


def load_all(paths: Sequence[Path], *, closing_fence: bool = True) -> list[SampleSet]:
    """Read the samples of several models.

    Raises
    ------
    UserError : see `distinct_names` and `load_samples`.
    """
    named = distinct_names(paths)
    return [load_samples(path, closing_fence=closing_fence) for path in named.values()]


def distinct_names(paths: Sequence[Path]) -> dict[str, Path]:
    """Files by the name of their model.

    Raises
    ------
    UserError : two files of one name, which would be one model.
    """
    named: dict[str, Path] = {}
    for path in paths:
        other = named.setdefault(model_name(path), path)
        if other is not path:
            raise UserError(
                f"{path}: a model's name is its file's, and {other} is of the same name",
                "rename one of the two",
            )
    return named


def sample_set(
    model: str,
    completions: Mapping[InstanceId, Iterable[Completion]],
    *,
    closing_fence: bool = True,
) -> SampleSet:
    """Samples of one model by question, with the texts that are measured."""
    store = TextStore()
    samples = {
        name: [_sample(completion, closing_fence, store) for completion in found]
        for name, found in completions.items()
    }
    return _sample_set(model, samples, store)


class _Sample(NamedTuple):
    """One response: its number in the store, how it ended, whether with a fence."""

    text: int
    ending: str
    fenced: bool


class _Row(NamedTuple):
    """One row: its line, its name and whether that names a question, its prompt, its samples.

    `asked` is the number of the prompt without what the system says, `query` that of the stored
    query.
    """

    line: int
    name: "_Name"
    prompt: str | None
    asked: int
    query: int
    is_whole: bool
    samples: list[_Sample]


class _Name(NamedTuple):
    """What names a row: whether that is told, else it is its line; whether it names a question."""

    id: InstanceId
    is_told: bool
    of_question: bool


def _sample(completion: Completion, closing_fence: bool, store: TextStore) -> _Sample:
    ending = intern(completion.finish_reason)
    if completion.failed:
        return _Sample(store.add(None), ending, False)
    text = completion.text
    return _Sample(store.add(clean(text, closing_fence)), ending, ends_with_fence(text))


def _by_question(
    rows: Sequence[_Row], path: Path
) -> tuple[dict[InstanceId, list[_Sample]], dict[InstanceId, _Row]]:
    """Samples by question, and its first row."""
    by_prompt = _prompts_name_questions(rows)
    samples: dict[InstanceId, list[_Sample]] = {}
    first_rows: dict[InstanceId, _Row] = {}
    whole: set[InstanceId] = set()
    for row in rows:
        name = row.prompt if by_prompt and row.prompt is not None else row.name.id
        if name in whole or (name in samples and row.is_whole):
            raise UserError(f"{path}:{row.line}: instance {name!r} stands there twice")
        if row.is_whole:
            whole.add(name)
        samples.setdefault(name, []).extend(row.samples)
        first_rows.setdefault(name, row)
    return samples, first_rows


def _prompts_name_questions(rows: Sequence[_Row]) -> bool:
    """Whether rows are samples of prompts that repeat, and their ids or lines tell rows apart."""
    if any(row.is_whole or row.name.of_question or row.prompt is None for row in rows):
        return False
    return len({row.prompt for row in rows}) < len(rows) == len({row.name.id for row in rows})


def _sample_set(
    model: str, samples: Mapping[InstanceId, list[_Sample]], store: TextStore
) -> SampleSet:
    # Of a request that failed as a whole nobody said how many samples it was for.
    count = max([1, *map(len, samples.values())])
    failed = [_Sample(store.add(None), "error", False)] * count
    kept = [found or failed for found in samples.values()]
    return SampleSet(
        model,
        list(samples),
        StoredTexts(store, ([sample.text for sample in found] for found in kept)),
        [[sample.ending for sample in found] for found in kept],
        [sum(sample.fenced for sample in found) for found in kept],
    )


def _name(row: Mapping[str, Any], line: int) -> _Name:
    """What names a row."""
    metadata = row.get("metadata")
    known = metadata.get("instance_id") if isinstance(metadata, dict) else None
    if known is None:
        known = next((row[name] for name in _QUESTION_IDS if is_name(row.get(name))), None)
    of_question = known is not None
    if known is None:
        known = next((row[name] for name in _ROW_IDS if is_name(row.get(name))), None)
    return _Name(instance_id(known, line), known is not None, of_question)


def is_name(value: object) -> bool:
    """Whether a value can name a question or a row."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _prompt(row: Mapping[str, Any], *, system: bool = True) -> str | None:
    """What a row says was asked; of a chat what stands before the answer.

    Parameters
    ----------
    system : whether what the system says belongs to it.
    """
    asked = next((row[name] for name in _PROMPTS if row.get(name) is not None), None)
    if isinstance(asked, list):
        said = [turn for turn in asked if isinstance(turn, dict)]
        if said and said[-1].get("role") == "assistant":
            said = said[:-1]
        said = [turn for turn in said if system or turn.get("role") != "system"]
        asked = "\n".join(str(turn.get("content")) for turn in said) or None
    if not isinstance(asked, str):
        return None
    given = row.get("input")  # of an instruction, as Alpaca's rows have it
    return f"{asked}\n{given}" if "instruction" in row and isinstance(given, str) else asked


def _known_by(prompt: str) -> str:
    """A prompt as the id of a question: a long one by its beginning and its hash."""
    if len(prompt) <= _LONGEST_NAME:
        return prompt
    digest = hashlib.sha256(prompt.encode(errors="backslashreplace")).hexdigest()[:16]
    return f"{prompt[:_LONGEST_NAME]}... {digest}"


def _completions(row: Mapping[str, Any]) -> list[Completion] | None:
    if row.get("ok") is False:
        return []
    if "outputs" in row:
        # A text, or an object, has parts too.
        whole = isinstance(row["outputs"], list)
        return [_output(output) for output in row["outputs"]] or None if whole else None
    answers = recorded_answers(row)
    return None if answers is None else list(answers.completions)


def _output(output: str | Mapping[str, Any] | None) -> Completion:
    """One of the `outputs` of a row: a text, a server's, a chat API's, or an error; null failed."""
    if output is None:
        return Completion(id="", text="", finish_reason="error", error="failed")
    if isinstance(output, str):
        return Completion(id="", text=output, finish_reason="stop")
    if output.get("error") is not None:
        error = str(output["error"] or "failed")
        return Completion(id="", text="", finish_reason="error", error=error)
    answers = recorded_answers({"choices": [output]} if "message" in output else output)
    if answers is None:
        raise ValueError("no text")
    return answers.completions[0]


def shot_ids(path: Path) -> dict[int, list[int]]:
    """Which questions a published run showed as demonstrations, in prompt order, by question."""
    found = {}
    for _, row in read_json_lines(path):
        metadata = row.get("metadata") or {}
        if "shot_ids" in metadata:
            found[int(metadata["instance_id"])] = [int(shot) for shot in metadata["shot_ids"]]
    return found
