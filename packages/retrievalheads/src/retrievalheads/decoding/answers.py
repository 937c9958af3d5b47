"""Greedy answers of a model and their grades."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.generation import Completion, CompletionCache, Request, Sampling, open_generator
from tenpapers.generation.generator import Generator
from tenpapers.generation.hf import HFBackend
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM, load_tokenizer, parse_spec
from tenpapers.records import Record

from ..records import Example, Task
from ..scoring.metrics import bootstrap_mean, citation, exact_match, f1, first_line, subspan_em
from ..training.adapter_folder import ATTENTION, read_state
from ..training.tuned_model import extended_base

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Tokens that an answer of a task may have.
MAX_TOKENS: dict[Task, int] = {"mdqa": 32, "musique": 32, "summhay": 64}


class Prediction(Record):
    """A graded answer; `scores` are those of its task, each in [0, 1], none without an answer."""

    id: str
    query: str
    prediction: str
    answers: tuple[str, ...]
    scores: dict[str, float]
    finish_reason: str
    error: str = ""


@dataclass(frozen=True)
class Evaluation:
    """Predictions and their means with 95 % intervals.

    `failed` is how many requests of this run got no answer, of `asked`.
    """

    predictions: list[Prediction]
    metrics: dict[str, Any]
    asked: int = 0
    failed: int = 0

    def per_example(self, metric: str = "f1") -> list[float]:
        """One score of every example."""
        answered = [prediction for prediction in self.predictions if not prediction.error]
        return [prediction.scores[metric] for prediction in answered]


def grade(example: Example, text: str, finish_reason: str = "stop") -> Prediction:
    """Grade one answer: exact match and F1, or citation precision, recall and F1."""
    if example.task == "summhay":
        found = citation(text, {int(a) for a in example.answers}, len(example.documents))
        scores = {
            "f1": found.f1,
            "precision": found.precision,
            "recall": found.recall,
            "unparsed": float(not found.parsed),
        }
    else:
        line = first_line(text)
        scores = {
            "f1": f1(text, example.answers),
            "em": exact_match(text, example.answers),
            "unparsed": float(not line),
        }
        if example.task == "mdqa":
            scores["subspan_em"] = subspan_em(text, example.answers)
    return Prediction(
        id=example.id,
        query=example.query,
        prediction=text,
        answers=example.answers,
        scores=scores,
        finish_reason=finish_reason,
    )


def summarise(predictions: Sequence[Prediction], seed: int = 0) -> dict[str, Any]:
    """Means over the answered examples, with intervals; `n`, and how many `failed`.

    `unparsed` is the share of empty or unparsed answers.
    """
    answered = [prediction for prediction in predictions if not prediction.error]
    metrics: dict[str, Any] = {"n": len(answered), "failed": len(predictions) - len(answered)}
    for name in answered[0].scores if answered else ():
        values = [prediction.scores[name] for prediction in answered]
        mean, low, high = bootstrap_mean(values, seed=seed)
        metrics[name] = mean
        if name != "unparsed":
            metrics[f"{name}_interval"] = [low, high]
    return metrics


def requests_of(
    examples: Sequence[Example], *, adapter: str = "", bos: str | None = None
) -> list[Request]:
    """Greedy requests; the task says how many tokens an answer may have."""
    return [
        Request(
            id=example.id,
            # A chat template has written the first special token already; encoding adds it again.
            prompt=example.prompt.removeprefix(bos) if bos else example.prompt,
            sampling=Sampling(max_tokens=MAX_TOKENS[example.task], stop=("\n",)),
            adapter=adapter,
        )
        for example in examples
    ]


def evaluate(
    lm: CausalLM,
    examples: Sequence[Example],
    *,
    share_prefix: bool = True,
    cache: CompletionCache | None = None,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """Answer and grade in process, with whatever adapter or hooks the model carries.

    Parameters
    ----------
    share_prefix : off where a hook acts on the last row of a prompt only.
    log : predictions of an earlier run; this one adds to them.
    """
    generator = Generator(HFBackend(lm, share_prefix=share_prefix), cache)
    left = _missing(examples, log)
    asked = requests_of(left, bos=added_bos(lm.tokenizer))
    done = generator.stream(asked, progress="answers" if progress else None)
    return _graded(examples, left, done, log)


def evaluate_vllm(
    model: str, examples: Sequence[Example], adapter: Path | None, log: RowLog | None = None
) -> Evaluation:
    """Answer through vLLM (prefix caching, LoRA) and grade.

    An adapter with another RoPE base is served from a folder of links to the base's files with a
    configuration of its own (see `extended_base`).

    Raises
    ------
    UserError : an adapter that is no LoRA adapter.
    """
    spec = parse_spec(model)
    bos = added_bos(load_tokenizer(model))
    if adapter is not None:
        if (adapter / ATTENTION).is_file():
            raise UserError(f"{adapter}: vLLM serves LoRA adapters", "use --engine hf")
        state = read_state(adapter)
        folder = extended_base(spec.name, state["theta"], state["context_tokens"], adapter)
        spec = replace(spec, name=str(folder.resolve()))
    with open_generator(str(spec)) as engine:
        left = _missing(examples, log)
        asked = requests_of(left, adapter=str(adapter.resolve()) if adapter else "", bos=bos)
        return _graded(examples, left, engine.stream(asked, progress="vllm"), log)


def _missing(examples: Sequence[Example], log: RowLog | None) -> Sequence[Example]:
    return examples if log is None else log.missing(examples)


def _graded(
    examples: Sequence[Example],
    asked: Sequence[Example],
    completions: Iterable[Completion],
    log: RowLog | None,
) -> Evaluation:
    """Grade answers as they come, beside those that an earlier run left in the log."""
    by_id = {example.id: example for example in asked}
    graded: dict[str, Prediction] = {}
    for done in completions:
        prediction = grade(by_id[done.id], done.text, done.finish_reason)
        if done.failed:
            prediction = prediction.model_copy(update={"scores": {}, "error": done.outcome})
        graded[done.id] = prediction
        if log is not None:
            log.write(prediction)
    failed = sum(bool(prediction.error) for prediction in graded.values())
    if log is not None:
        return replace(logged(examples, log), asked=len(asked), failed=failed)
    predictions = [graded[example.id] for example in examples]
    return Evaluation(predictions, summarise(predictions), len(asked), failed)


def logged(examples: Sequence[Example], log: RowLog) -> Evaluation:
    """The evaluation that a log holds in full."""
    predictions = [Prediction.model_validate(log.rows[example.id]) for example in examples]
    return Evaluation(predictions, summarise(predictions))


def added_bos(tokenizer: "PreTrainedTokenizerBase") -> str | None:
    """The first special token that the tokenizer adds by itself, or None."""
    if not tokenizer.bos_token:
        return None
    ids = tokenizer("x")["input_ids"]
    return str(tokenizer.bos_token) if ids and ids[0] == tokenizer.bos_token_id else None
