"""Sampling solutions with the base and the prepend method (section 3.7, table)."""

from collections.abc import Sequence
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.records import Appender, read_jsonl

from ..records import Prediction, ProgSynExample
from .extract_code import extract_code
from .prompts import METHODS, render

# Section 3.7: temperature, nucleus and length of every sampled arm.
SAMPLING = Sampling(temperature=0.8, top_p=0.7, max_tokens=512)


def prompt_of(
    example: ProgSynExample, method: str, demo: ProgSynExample | None, folder: Path | None = None
) -> str:
    """Render the prompt of a method: `base` is T + Q, `prepend` is U + T + Q.

    Raises
    ------
    UserError : unknown method.
    """
    if method not in METHODS:
        raise UserError(f"unknown method {method!r}", f"one of {', '.join(METHODS)}")
    return render(
        example, demo, part_u=method == "prepend", part_q=True, answer=False, folder=folder
    )


def requests_for(
    examples: Sequence[ProgSynExample],
    method: str,
    *,
    n: int,
    seed: int,
    sampling: Sampling = SAMPLING,
    demo: ProgSynExample | None,
    folder: Path | None = None,
) -> list[Request]:
    """Make n requests an example; sample s has seed `seed + s`, its id is `ID#s`."""
    requests = []
    for example in examples:
        prompt = prompt_of(example, method, demo, folder)
        requests += samples(example.prog_syn_id, prompt, n, seed, sampling)
    return requests


def samples(
    name: str, prompt: str, n: int, seed: int, sampling: Sampling, adapter: str = ""
) -> list[Request]:
    """Ask one prompt n times; sample s has the id `NAME#s` and the seed `seed + s`."""
    return [
        Request(
            id=f"{name}#{sample}",
            prompt=prompt,
            sampling=sampling.model_copy(update={"seed": seed + sample}),
            adapter=adapter,
        )
        for sample in range(n)
    ]


def to_prediction(
    completion: Completion, *, method: str, model: str, seed: int, lenient: bool = False
) -> Prediction:
    """Turn a completion into a prediction; its id carries example and sample."""
    name, _, sample = completion.id.rpartition("#")
    return Prediction(
        prog_syn_id=name,
        method=method,
        model=model,
        sample=int(sample),
        text=completion.text,
        code=extract_code(completion.text, strict=not lenient),
        finish_reason=completion.finish_reason,
        n_prompt_tokens=completion.n_prompt_tokens,
        n_output_tokens=completion.n_output_tokens,
        seed=seed + int(sample),
    )


def sample_to_file(
    requests: Sequence[Request],
    generator: Generator,
    out: Path,
    *,
    method: str,
    model: str,
    seed: int,
    lenient: bool = False,
    overwrite: bool = False,
) -> list[Prediction]:
    """Append a prediction to `out` for every request that it does not answer yet.

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
        for completion in generator.stream(left, progress=f"{method}"):
            if completion.failed:
                failures.append(completion)
                continue
            prediction = to_prediction(
                completion, method=method, model=model, seed=seed, lenient=lenient
            )
            sink.write(prediction)
            done[completion.id] = prediction
    if failures:
        first = failures[0]
        raise UserError(
            f"{first.id}: {first.finish_reason.removeprefix('error: ')} "
            f"({len(failures)} of {len(requests)} requests failed; the others are in {out})",
            "mend the cause and run the same command again",
        )
    return [done[request.id] for request in requests]
