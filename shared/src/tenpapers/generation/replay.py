"""Recorded responses: evaluation without a model."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..models.identity import model_identity
from ..models.spec import ModelSpec
from ..records import read_json_lines
from .answers import read_ending
from .types import Completion, Keep, Request, Score, forget


class ReplayBackend:
    """Answers each request with the recorded line of the same id.

    A line has `id` and `text`, and may have `finish_reason` (a server's words are understood),
    `reasoning`, `error`, `n_prompt_tokens` and `n_output_tokens`.
    """

    family = "replay"

    def __init__(self, spec: ModelSpec) -> None:
        self.model, self.identity = spec.name, model_identity(spec)
        self._recorded: dict[str, Completion] = {}
        path = Path(spec.name)
        for number, line in read_json_lines(path):
            if not isinstance(line, dict) or not isinstance(line.get("id"), str):
                raise UserError(f"{path}:{number}: id: a recorded response needs a string id")
            if not isinstance(line.get("text"), str):
                raise UserError(f"{path}:{number}: text: a recorded response needs a text")
            self._recorded[line["id"]] = _completion(line)

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Yield the recorded completions; a missing one is a failed completion."""
        for request in requests:
            missing = Completion(
                id=request.id, text="", finish_reason="error", error="not recorded"
            )
            completion = self._recorded.get(request.id, missing)
            keep(completion)
            yield completion

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Refuse: a recording has no probabilities."""
        raise UserError("recorded responses cannot score", "use an hf: or vllm: model")

    def close(self) -> None:
        """Nothing is held."""


def _completion(line: dict[str, Any]) -> Completion:
    known = {key: line[key] for key in Completion.model_fields if key in line}
    # "error: the words", as rows of earlier runs have it
    words, _, error = str(line.get("finish_reason") or "stop").partition(": ")
    ending = read_ending(words)
    known["finish_reason"] = ending.reason
    if ending.reason == "error":
        known["error"] = known.get("error") or error or ending.error
    return Completion(**known)
