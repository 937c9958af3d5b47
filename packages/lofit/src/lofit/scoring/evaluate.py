"""Evaluation: multiple choice, exact match, open answers; with or without an intervention."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tenpapers.errors import UserError
from tenpapers.generation import Completion, CompletionCache, Generator, Request, Sampling
from tenpapers.generation.hf import HFBackend
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..heads.edits import OffsetHeads
from ..inputs.encoding import as_chat
from ..inputs.load_task import Split, Task
from ..inputs.prompts import truthfulqa_context
from ..offsets.adapter import LofitAdapter
from ..records import MultipleChoiceItem, MultipleChoiceResult, OpenAnswer, Prediction, SFTExample
from .exact_match import MARKER, exact_match, normalized_prediction
from .judges import Judge, Kind, verdict
from .multiple_choice import score_multiple_choice

ItemT = TypeVar("ItemT", SFTExample, MultipleChoiceItem)
MAX_TOKENS = 16  # of an exact-match answer
OPEN_TOKENS = 50  # of an open answer
# Multiple-choice questions that are scored together and then kept; more share a prefix longer.
CHUNK = 32


@dataclass
class Evaluation:
    """What an evaluation gives: metrics in percent, per-item records, remarks.

    `n` answers were graded; `failed` requests of this run, of `asked`, got none.
    """

    n: int
    metrics: dict[str, float]
    items: Sequence[Prediction | MultipleChoiceResult | OpenAnswer]
    echo: dict[str, float] | None = None
    remarks: list[str] = field(default_factory=list)
    asked: int = 0
    failed: int = 0

    @property
    def unanswered(self) -> list[Prediction | OpenAnswer]:
        """Items that have no answer."""
        return [
            item for item in self.items if isinstance(item, Prediction | OpenAnswer) and item.error
        ]

    def as_results(self) -> dict[str, Any]:
        """For `results.json`."""
        return {
            "n": self.n,
            "failed": len(self.unanswered),
            "metrics": self.metrics,
            "echo": self.echo,
            "remarks": self.remarks,
        }


@contextmanager
def intervened(
    lm: CausalLM, intervention: Intervention | None, strength: float = 1.0
) -> Iterator[tuple[CausalLM, OffsetHeads | None]]:
    """The model with an intervention on it; its name in the cache says so.

    Gives also the edit that acts on answers only, where the intervention is one (ITI).
    """
    if intervention is None:
        yield lm, None
        return
    hooks = intervention.attach(lm.model, strength=strength)
    answer_only = None
    if isinstance(intervention, LofitAdapter) and intervention.positions == "last":
        assert isinstance(hooks, OffsetHeads)
        answer_only = hooks
    try:
        identity = f"{lm.identity}+{intervention.digest()}*{strength:g}"
        yield replace(lm, identity=identity), answer_only
    finally:
        hooks.remove()


def mean_percent(values: Sequence[float]) -> float:
    """Mean in percent, 0 for none."""
    return 100 * sum(values) / len(values) if values else 0.0


def evaluate_choices(
    lm: CausalLM,
    items: Sequence[MultipleChoiceItem],
    intervention: Intervention | None = None,
    *,
    strength: float = 1.0,
    instruction: bool = True,
    prompts: Path | None = None,
    reuse: bool = True,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """MC1, MC2 and MC3 after the instruction and the six-shot primer.

    Parameters
    ----------
    log : results of an earlier run; this one adds to them.
    """
    context = truthfulqa_context(instruction=instruction, folder=prompts)
    results: list[MultipleChoiceResult] = []
    skipped = [item.id for item in items if not item.incorrect_answers]
    # The same chunks whatever is there already: a text's neighbours move its last digits.
    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    with intervened(lm, intervention, strength) as (edited, answer_only):
        for chunk in chunks:
            usable = [item for item in chunk if item.incorrect_answers]
            if log is not None and not log.missing(usable):
                rows = [log.rows[item.id] for item in usable]
                results += [MultipleChoiceResult.model_validate(row) for row in rows]
                continue
            scored, _ = score_multiple_choice(
                edited.model,
                edited.tokenizer,
                chunk,
                context=context,
                answer_only=answer_only,
                reuse=reuse,
                progress=progress,
            )
            results += scored
            if log is not None:
                log.write(*scored)
    metrics = {
        name: mean_percent([getattr(result, name) for result in results])
        for name in ("mc1", "mc2", "mc3")
    }
    remarks = [f"{len(skipped)} questions without a false answer skipped"] if skipped else []
    metrics["n_skipped"] = float(len(skipped))
    return Evaluation(len(results), metrics, results, remarks=remarks, asked=len(results))


def evaluate_task(
    lm: CausalLM,
    task: Task,
    intervention: Intervention | None = None,
    *,
    split: Split = "test",
    limit: int | None = None,
    strength: float = 1.0,
    max_tokens: int = MAX_TOKENS,
    chat: bool = False,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """Evaluate a part of a task with its own metric: multiple choice or exact match.

    Parameters
    ----------
    log : what an earlier run has graded; this one adds to it.

    Raises
    ------
    UserError : the task has no such part.
    """
    items = task.part(split)[:limit]
    if not items:
        raise UserError(f"{task.name}: no {split} part to evaluate on")
    questions = [item for item in items if isinstance(item, MultipleChoiceItem)]
    if questions:
        return evaluate_choices(
            lm, questions, intervention, strength=strength, log=log, progress=progress
        )
    return evaluate_answers(
        lm,
        [item for item in items if isinstance(item, SFTExample)],
        intervention,
        task=task.name,
        strength=strength,
        max_tokens=max_tokens,
        chat=chat,
        log=log,
        progress=progress,
    )


def headline(evaluation: Evaluation) -> tuple[str, list[float]]:
    """The metric a task is compared by, and its value (0 to 100) for each item."""
    choices = [item for item in evaluation.items if isinstance(item, MultipleChoiceResult)]
    if choices:
        return "mc1", [100 * choice.mc1 for choice in choices]
    answers = [item for item in evaluation.items if isinstance(item, Prediction)]
    return "em_normalized", [100 * answer.correct for answer in answers if not answer.error]


def completions(
    lm: CausalLM,
    prompts: Sequence[str],
    *,
    max_tokens: int,
    share_prefix: bool = True,
    chat: bool = False,
    stop: tuple[str, ...] = (),
    cache: CompletionCache | None = None,
    progress: str | None = None,
) -> Iterator[tuple[int, Completion]]:
    """Greedy completions as they come, each with the number of its prompt."""
    sampling = Sampling(max_tokens=max_tokens, stop=stop)
    requests = [
        Request(
            id=str(number),
            prompt=as_chat(lm.tokenizer, prompt) if chat else prompt,
            sampling=sampling,
        )
        for number, prompt in enumerate(prompts)
    ]
    generator = Generator(HFBackend(lm, share_prefix=share_prefix), cache)
    for completion in generator.stream(requests, progress=progress):
        yield int(completion.id), completion


def evaluate_answers(
    lm: CausalLM,
    examples: Sequence[SFTExample],
    intervention: Intervention | None = None,
    *,
    task: str,
    strength: float = 1.0,
    max_tokens: int = MAX_TOKENS,
    chat: bool = False,
    cache: CompletionCache | None = None,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """Exact match of greedy answers, by both rules, beside the echo baseline if there is one.

    Parameters
    ----------
    log : predictions of an earlier run; this one adds to them.

    Raises
    ------
    UserError : two examples of one id, with a log.
    """
    left = _missing(examples, log)
    graded: dict[str, Prediction] = {}
    with intervened(lm, intervention, strength) as (edited, answer_only):
        for number, completion in completions(
            edited,
            [example.prompt for example in left],
            max_tokens=max_tokens,
            share_prefix=answer_only is None,
            chat=chat,
            cache=cache,
            progress="answers" if progress else None,
        ):
            row = grade_answer(task, left[number], completion)
            graded[str(number)] = row
            if log is not None:
                log.write(row)
    failed = sum(bool(row.error) for row in graded.values())
    if log is None:
        items = [graded[str(number)] for number in range(len(left))]
    else:
        items = [Prediction.model_validate(log.rows[example.id]) for example in examples]
    found = graded_answers(task, examples, items)
    return replace(found, asked=len(left), failed=failed)


def _missing(items: Sequence[ItemT], log: RowLog | None) -> Sequence[ItemT]:
    """Items that are asked.

    Raises
    ------
    UserError : two of one id, which a log cannot tell apart.
    """
    if log is None:
        return items
    counts = Counter(item.id for item in items)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UserError(f"two items have the id {twice[0]!r}", "give each its own")
    return log.missing(items)


def grade_answer(task: str, example: SFTExample, completion: Completion) -> Prediction:
    """Grade a completion; one that failed is no answer."""
    text = completion.text
    return Prediction(
        id=example.id,
        prompt=example.prompt,
        completion=text,
        prediction=normalized_prediction(task, text),
        answers=example.gold,
        correct=exact_match(task, text, example.gold),
        correct_strict=exact_match(task, text, example.gold, strict=True),
        error=completion.outcome if completion.failed else "",
    )


def graded_answers(
    task: str, examples: Sequence[SFTExample], items: Sequence[Prediction]
) -> Evaluation:
    """Metrics of graded answers, over those that are answers."""
    answered = [item for item in items if not item.error]
    metrics = {
        "em_strict": mean_percent([item.correct_strict for item in answered]),
        "em_normalized": mean_percent([item.correct for item in answered]),
    }
    remarks = degeneration([item.completion for item in answered])
    return Evaluation(len(answered), metrics, items, echo_baseline(task, examples), remarks)


def echo_baseline(task: str, examples: Sequence[SFTExample]) -> dict[str, float] | None:
    """Exact match of answering with what the prompt says already (MQuAKE: the edited object)."""
    if not examples or any(example.echo is None for example in examples):
        return None
    return {
        name: mean_percent(
            [exact_match(task, e.echo or "", e.gold, strict=strict) for e in examples]
        )
        for name, strict in (("em_strict", True), ("em_normalized", False))
    }


def degeneration(texts: Sequence[str]) -> list[str]:
    """Remarks on generations that look alike: a too strong edit makes them so."""
    if len(texts) < 4:
        return []
    remarks = [f"distinct outputs: {len(set(texts))} of {len(texts)}"]
    opening, count = Counter(" ".join(text.split()[:5]) for text in texts).most_common(1)[0]
    if count > len(texts) / 2:
        remarks.append(
            f"warning: {count} of {len(texts)} generations begin with the same words "
            f"({opening!r}); is the edit too strong?"
        )
    return remarks


def evaluate_open(
    lm: CausalLM,
    items: Sequence[MultipleChoiceItem],
    judges: Mapping[Kind, Judge],
    intervention: Intervention | None = None,
    *,
    strength: float = 1.0,
    instruction: bool = True,
    prompts: Path | None = None,
    cache: CompletionCache | None = None,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """Open answers (at most 50 tokens, cut at the next question), judged for truth and information.

    True x Info is given as the product of means (ITI's convention) and as the share of answers
    that are both; the two differ.
    """
    context = truthfulqa_context(instruction=instruction, folder=prompts)
    left = _missing(items, log)
    graded: list[OpenAnswer] = []
    with intervened(lm, intervention, strength) as (edited, answer_only):
        for number, completion in completions(
            edited,
            [f"{context}Q: {item.question}\n{MARKER}" for item in left],
            max_tokens=OPEN_TOKENS,
            share_prefix=answer_only is None,
            stop=("Q:",),
            cache=cache,
            progress="answers" if progress else None,
        ):
            graded.append(_judged(left[number], completion, judges))
            if log is not None:
                log.write(graded[-1])
    failed = sum(bool(row.error) for row in graded)
    if log is not None:
        graded = [OpenAnswer.model_validate(row) for row in log.rows.values()]
    by_id = {row.id: row for row in graded}
    rows = [by_id[item.id] for item in items]
    answered = [row for row in rows if not row.error]
    metrics: dict[str, float] = {
        kind: mean_percent([getattr(answer, kind) for answer in answered]) for kind in judges
    }
    if {"true", "informative"} <= set(judges):
        metrics["true*informative (product of means)"] = (
            metrics["true"] * metrics["informative"] / 100
        )
        both = [float(bool(answer.true and answer.informative)) for answer in answered]
        metrics["true and informative (per answer)"] = mean_percent(both)
    remarks = degeneration([row.answer for row in answered])
    return Evaluation(len(answered), metrics, rows, remarks=remarks, asked=len(left), failed=failed)


def _judged(
    item: MultipleChoiceItem, completion: Completion, judges: Mapping[Kind, Judge]
) -> OpenAnswer:
    answer = completion.text.strip()
    row = OpenAnswer(id=item.id, question=item.question, answer=answer)
    if completion.failed:
        return row.model_copy(update={"error": completion.outcome})
    verdicts: dict[str, int] = {
        kind: verdict(judge, item.question, answer, kind) for kind, judge in judges.items()
    }
    return row.model_copy(update=verdicts)
