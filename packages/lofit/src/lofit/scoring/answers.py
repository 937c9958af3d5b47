"""Exact match of greedy answers."""

from collections.abc import Sequence
from dataclasses import replace

from tenpapers.generation import Completion, CompletionCache
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..records import Prediction, SFTExample
from .evaluation import Evaluation, completions, degeneration, intervened, mean_percent, missing
from .exact_match import ended, exact_match, normalized

MAX_TOKENS = 16  # of an exact-match answer


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
    left = missing(examples, log)
    graded: dict[str, Prediction] = {}
    with intervened(lm, intervention, strength) as (edited, answer_only):
        for number, completion in completions(
            edited,
            [example.asked for example in left],
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


def grade_answer(task: str, example: SFTExample, completion: Completion) -> Prediction:
    """Grade a completion; one that failed is no answer. What else the example says comes along."""
    text = completion.text
    row = {
        "id": example.id,
        "prompt": example.prompt,
        "completion": text,
        "prediction": normalized(task, text),
        "answers": example.gold,
        "correct": exact_match(task, text, example.gold),
        "correct_strict": exact_match(task, text, example.gold, strict=True),
        "truncated": completion.finish_reason == "length" and not ended(task, text),
        "error": completion.outcome if completion.failed else "",
    }
    return Prediction.model_validate({**(example.model_extra or {}), **row})


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
