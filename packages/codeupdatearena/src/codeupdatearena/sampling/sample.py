"""Sampling solutions: requests, predictions, and a file that survives being killed."""

from collections.abc import Sequence
from pathlib import Path

from tenpapers.errors import UserError, without_credentials
from tenpapers.generation import Completion, Generator, Request
from tenpapers.records import Appender, read_jsonl

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
    """Ask one prompt several times; sample s has the id `NAME#s` and the seed `seed + s`."""
    return [
        Request(
            id=f"{name}#{sample}",
            prompt=prompt,
            sampling=settings.sampling.model_copy(update={"seed": settings.seed + sample}),
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
        code=extract_code(completion.text, strict=not settings.lenient),
        finish_reason=completion.finish_reason,
        n_prompt_tokens=completion.n_prompt_tokens,
        n_output_tokens=completion.n_output_tokens,
        seed=settings.seed + int(sample),
    )


def sample_to_file(
    requests: Sequence[Request],
    generator: Generator,
    out: Path,
    *,
    method: str,
    model: str,
    settings: SolutionSettings,
    overwrite: bool = False,
) -> list[Prediction]:
    """Append a prediction to `out` for every request that it does not answer yet.

    Parameters
    ----------
    method, model : as the predictions name them.

    Returns
    -------
    All predictions of the file for this method, in the order of the requests.

    Raises
    ------
    UserError : requests failed (the others are kept; the first failure is named).
    """
    done: dict[str, Prediction] = {}
    if out.exists() and not overwrite:
        Appender(out).close()
        for found in read_jsonl(out, Prediction, allow_empty=True):
            if found.method == method:
                done[f"{found.prog_syn_id}#{found.sample}"] = found
    left = [request for request in requests if request.id not in done]
    failures: list[Completion] = []
    with Appender(out, overwrite=overwrite) as sink:
        for completion in generator.stream(left, progress=method):
            if completion.failed:
                failures.append(completion)
                continue
            prediction = to_prediction(completion, method=method, model=model, settings=settings)
            sink.write(prediction)
            done[completion.id] = prediction
    if failures:
        first = failures[0]
        raise UserError(
            f"{first.id}: {first.error} "
            f"({len(failures)} of {len(requests)} requests failed; the others are in {out})",
            "mend the cause and run the same command again",
        )
    return [done[request.id] for request in requests]
