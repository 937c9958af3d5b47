"""Open answers to TruthfulQA's questions, judged for truth and information."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tenpapers.generation import Completion, CompletionCache
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..inputs.prompts import truthfulqa_context
from ..records import MultipleChoiceItem, OpenAnswer
from .evaluation import Evaluation, completions, degeneration, intervened, mean_percent, missing
from .exact_match import MARKER
from .judges import Judge, JudgeFailedError, Kind, verdict

OPEN_TOKENS = 50  # of an open answer


def evaluate_open(
    lm: CausalLM,
    items: Sequence[MultipleChoiceItem],
    judges: Mapping[Kind, Judge],
    intervention: Intervention | None = None,
    *,
    strength: float = 1.0,
    instruction: bool = True,
    chat: bool = False,
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
    left = missing(items, log)
    graded: list[OpenAnswer] = []
    with intervened(lm, intervention, strength) as (edited, answer_only):
        for number, completion in completions(
            edited,
            [f"{context}Q: {item.question}\n{MARKER}" for item in left],
            max_tokens=OPEN_TOKENS,
            share_prefix=answer_only is None,
            chat=chat,
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
    metrics: dict[str, float] = {kind: _share(answered, kind) for kind in judges}
    if {"true", "informative"} <= set(judges):
        metrics["true*informative (product of means)"] = (
            metrics["true"] * metrics["informative"] / 100
        )
        judged = [answer for answer in answered if not answer.unjudged]
        both = [float(bool(answer.true and answer.informative)) for answer in judged]
        metrics["true and informative (per answer)"] = mean_percent(both)
    remarks = degeneration([row.answer for row in answered])
    return Evaluation(len(answered), metrics, rows, remarks=remarks, asked=len(left), failed=failed)


def _share(answers: Sequence[OpenAnswer], kind: Kind) -> float:
    """Percent of the answers with a verdict that got a yes."""
    return mean_percent([v for answer in answers if (v := getattr(answer, kind)) is not None])


def _judged(
    item: MultipleChoiceItem, completion: Completion, judges: Mapping[Kind, Judge]
) -> OpenAnswer:
    answer = completion.text.strip()
    row = OpenAnswer(
        id=item.id,
        question=item.question,
        answer=answer,
        truncated=completion.finish_reason == "length",
    )
    if completion.failed:
        return row.model_copy(update={"error": completion.outcome})
    try:
        verdicts: dict[str, int | None] = {
            kind: verdict(judge, item.question, answer, kind) for kind, judge in judges.items()
        }
    except JudgeFailedError as error:
        return row.model_copy(update={"error": str(error)})
    lacking = tuple(kind for kind, given in verdicts.items() if given is None)
    return row.model_copy(update={**verdicts, "unjudged": lacking})
