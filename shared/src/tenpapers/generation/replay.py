"""Recorded responses: evaluation without a model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import UserError
from ..models.identity import model_identity
from ..models.spec import ModelSpec
from ..records import read_json_lines
from .types import Completion, Request, Score


class ReplayBackend:
    """Answers each request with the recorded line of the same id.

    A line has `id` and `text`, and may have `finish_reason`, `n_prompt_tokens` and
    `n_output_tokens`.
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
            known = {key: line[key] for key in Completion.model_fields if key in line}
            self._recorded[line["id"]] = Completion(**({"finish_reason": "stop"} | known))

    def stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield the recorded completions; a missing one is a failed completion."""
        for request in requests:
            missing = Completion(id=request.id, text="", finish_reason="error: not recorded")
            yield self._recorded.get(request.id, missing)

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Refuse: a recording has no probabilities."""
        raise UserError("recorded responses cannot score", "use an hf: or vllm: model")

    def close(self) -> None:
        """Nothing is held."""
