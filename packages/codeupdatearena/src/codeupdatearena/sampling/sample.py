"""Sampling solutions: requests, predictions, and a file that survives being killed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tenpapers.errors import without_credentials
from tenpapers.generation import Completion, Generator, Request
from tenpapers.journal import Journal, RowLog

from ..records import Prediction, ProgSynExample
from .extract_code import extract_code
from .prompts import demonstration, render
from .settings import Method, SampleSettings, SolutionSettings


def prompt_of(
    example: ProgSynExample, method: Method, demo: ProgSynExample | None, folder: Path | None = None
) -> str:
    """Render the prompt of a method: `base` is task and question, `prepend` the update before."""
    return render(
        example, demo, part_u=method == "prepend", part_q=True, answer=False, folder=folder
    )


def prompts_of(
    examples: Sequence[ProgSynExample], method: Method, demo: Path | None, folder: Path | None
) -> list[dict[str, str]]:
    """Render the prompts of a method as rows, for a model of the user's own."""
    shown = demonstration(demo)
    return [
        {"prog_syn_id": example.prog_syn_id, "prompt": prompt_of(example, method, shown, folder)}
        for example in examples
    ]


def requests_for(
    examples: Sequence[ProgSynExample], method: Method, settings: SolutionSettings
) -> list[Request]:
    """Make the requests of a method: every example, as often as the settings say."""
    demo = demonstration(settings.demo)
    requests = []
    for example in examples:
        prompt = prompt_of(example, method, demo, settings.prompts)
        requests += ask_repeatedly(example.prog_syn_id, prompt, settings)
    return requests


def ask_repeatedly(
    name: str, prompt: str, settings: SampleSettings, adapter: str = ""
) -> list[Request]:
    """Ask one prompt several times; sample s has the id `NAME#s` and noise of its own."""
    return [
        Request(
            id=f"{name}#{sample}",
            prompt=prompt,
            sampling=settings.sampling.model_copy(update={"sample": sample}),
            adapter=adapter,
        )
        for sample in range(settings.samples)
    ]


def to_prediction(
    completion: Completion, *, method: str, model: str, settings: SolutionSettings
) -> Prediction:
    """Turn a completion into a prediction; its id carries example and sample."""
    name, _, sample = completion.id.rpartition("#")
    return Prediction(
        prog_syn_id=name,
        method=method,
        model=without_credentials(model),
        sample=int(sample),
        text=completion.text,
        code=extract_code(
            completion.text,
            strict=not settings.lenient,
            official=settings.official_extraction,
        ),
        finish_reason=completion.finish_reason,
        n_prompt_tokens=completion.n_prompt_tokens,
        n_output_tokens=completion.n_output_tokens,
        seed=settings.seed,
    )


def open_predictions(journal: Journal, name: str) -> RowLog:
    """Open a file of predictions that grows as they come."""
    return journal.rows(name, key=lambda row: f"{row['prog_syn_id']}#{row['sample']}")


@dataclass(frozen=True)
class Sampled:
    """Predictions in the order of the requests; how many were asked now, and which of them failed.

    A request that failed has no prediction, and the next run asks it again.
    """

    predictions: list[Prediction]
    asked: int
    failures: list[Completion]

    def told(self) -> str:
        """What to say of the failures; "" without any."""
        if not self.failures:
            return ""
        first = self.failures[0]
        return (
            f"{first.id}: {first.error} ({len(self.failures)} of {self.asked} requests failed; "
            "run the same command again)"
        )


def sample_solutions(
    requests: Sequence[Request],
    generator: Generator,
    rows: RowLog,
    *,
    method: str,
    model: str,
    settings: SolutionSettings,
) -> Sampled:
    """Append a prediction to `rows` for every request that they do not answer yet.

    Parameters
    ----------
    method, model : as the predictions name them.
    """
    missing = rows.missing(requests)
    failures: list[Completion] = []
    for completion in generator.stream(missing, progress=method):
        if completion.failed:
            failures.append(completion)
            continue
        rows.write(to_prediction(completion, method=method, model=model, settings=settings))
    known = [rows.rows[request.id] for request in requests if request.id in rows.rows]
    predictions = [Prediction.model_validate(row) for row in known]
    return Sampled(predictions, len(missing), failures)
