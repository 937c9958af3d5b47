"""Recorded answers: read in the forms of the field, and replayed where no model is wanted."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from ..models.identity import model_identity
from ..models.spec import ModelSpec
from ..records import read_json_lines
from .answers import Ending, read_answer, read_ending
from .types import Completion, Keep, Request, Score, forget, unanswered

# What names a request: OpenAI's batches (`id` is then the server's) and ours, human-eval's and
# MBPP's, lm-evaluation-harness's.
_IDS = ("custom_id", "id", "task_id", "question_id", "doc_id")
# What holds one plain answer: ours, TRL's and human-eval's, evalplus's, and servers' and papers'.
_TEXTS = ("text", "completion", "solution", "generated_text", "response", "output")
_COUNTS = ("n_prompt_tokens", "n_output_tokens")


class RecordedAnswers(NamedTuple):
    """The answers in one row: the request's id ("" if the row has none), one completion a sample.

    `fields` is what else stands in the row, to be passed on.
    """

    id: str
    completions: tuple[Completion, ...]
    fields: dict[str, Any]


def recorded_answers(row: Mapping[str, Any]) -> RecordedAnswers | None:
    """Read the answers of a recorded row; None if it has none in a form that we know.

    Known are our own rows (`id`, `text`), OpenAI batch output (`custom_id`, `response.body`), chat
    and text completions (`choices`), chats (`messages` that end with the assistant), samples of
    lm-evaluation-harness (`doc_id`, `resps` of texts), and an answer in one field (`completion`,
    `solution`, `generated_text`, `response` or `output`).
    """
    name = next((key for key in _IDS if isinstance(row.get(key), str | int)), None)
    request = "" if name is None else str(row[name])
    for read in (_batch_line, _choices, _lm_eval, _chat, _one_field):
        try:
            found = read(request, row)
        except (LookupError, TypeError, ValueError, AttributeError):
            continue
        if found is not None:
            used, completions = found
            fields = {key: value for key, value in row.items() if key not in used | {name}}
            return RecordedAnswers(request, tuple(completions), fields)
    return None


_Found = tuple[set[str], list[Completion]] | None


def _batch_line(request: str, row: Mapping[str, Any]) -> _Found:
    """A line of OpenAI's batch output: a response with its body, or an error."""
    if "custom_id" not in row:
        return None
    used = {"custom_id", "id", "response", "error"}
    response, trouble = row.get("response"), row.get("error")
    body = response.get("body") if isinstance(response, Mapping) else None
    if isinstance(body, Mapping) and "choices" in body:
        return used, _of_choices(str(row["custom_id"]), body)
    trouble = trouble or (body or {}).get("error") or response
    words = trouble.get("message") if isinstance(trouble, Mapping) else trouble
    return used, [unanswered(request, str(words or "no response"))]


def _choices(request: str, row: Mapping[str, Any]) -> _Found:
    return ({"choices", "usage"}, _of_choices(request, row)) if "choices" in row else None


def _of_choices(request: str, body: Mapping[str, Any]) -> list[Completion]:
    return [
        read_answer(request, {"choices": [choice], "usage": body.get("usage")})
        for choice in body["choices"]
    ] or [unanswered(request, "no choices")]


def _lm_eval(request: str, row: Mapping[str, Any]) -> _Found:
    """A sample of lm-evaluation-harness; log-likelihoods are no answers."""
    if "resps" not in row:
        return None
    texts = [text for responses in row["resps"] for text in responses]
    if not texts or not all(isinstance(text, str) for text in texts):
        return None
    return {"resps"}, [Completion(id=request, text=text, finish_reason="stop") for text in texts]


def _chat(request: str, row: Mapping[str, Any]) -> _Found:
    """A chat that ends with the assistant, whole or as the completion of a prompt."""
    if isinstance(row.get("text"), str):
        return None  # the chat is then what was asked
    for key in ("messages", "completion"):
        turns = row.get(key)
        if isinstance(turns, list) and turns and turns[-1]["role"] == "assistant":
            choice = {"message": turns[-1], "finish_reason": row.get("finish_reason")}
            return {key, "finish_reason"}, [read_answer(request, {"choices": [choice]})]
    return None


def _one_field(request: str, row: Mapping[str, Any]) -> _Found:
    key = next((key for key in _TEXTS if isinstance(row.get(key), str)), None)
    if key is None:
        return None
    ending = _ending(row)
    completion = Completion(
        id=request,
        text=row[key],
        finish_reason=ending.reason,
        reasoning=row.get("reasoning") or "",
        error=ending.error,
        **{count: int(row.get(count) or 0) for count in _COUNTS},
    )
    return {key, "finish_reason", "reasoning", "error", *_COUNTS}, [completion]


def _ending(row: Mapping[str, Any]) -> Ending:
    # "error: the words", as rows of earlier runs have it
    words, _, error = str(row.get("finish_reason") or "stop").partition(": ")
    ending = read_ending(words)
    if ending.reason != "error":
        return Ending(ending.reason)
    return Ending("error", str(row.get("error") or error or ending.error))


class ReplayBackend:
    """Answers each request with the recorded line of the same id.

    A line has `id` and `text`, and may have `finish_reason` (a server's words are understood),
    `reasoning`, `error`, `n_prompt_tokens` and `n_output_tokens`; or it is one of the other forms
    of `recorded_answers`, of which the first sample is taken.
    """

    family = "replay"

    def __init__(self, spec: ModelSpec) -> None:
        self.model, self.identity = spec.name, model_identity(spec)
        self._recorded: dict[str, Completion] = {}
        path = Path(spec.name)
        for number, line in read_json_lines(path):
            answers = recorded_answers(line) if isinstance(line, dict) else None
            if answers is None:
                raise UserError(
                    f"{path}:{number}: text: no answer in it",
                    "a recorded response has an id and a text, or is a line of OpenAI batch output",
                )
            if not answers.id:
                raise UserError(f"{path}:{number}: id: a recorded response needs an id")
            self._recorded[answers.id] = answers.completions[0]

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Yield the recorded completions; a missing one is a failed completion."""
        for request in requests:
            completion = self._recorded.get(request.id) or unanswered(request.id, "not recorded")
            keep(completion)
            yield completion

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Refuse: a recording has no probabilities."""
        raise UserError("recorded responses cannot score", "use an hf: or vllm: model")

    def close(self) -> None:
        """Nothing is held."""
