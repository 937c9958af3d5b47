"""Multiple choice of many questions, with or without an intervention."""

from collections.abc import Sequence
from pathlib import Path

from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..inputs.prompts import truthfulqa_context
from ..records import MultipleChoiceItem, MultipleChoiceResult
from .evaluation import Evaluation, intervened, mean_percent
from .multiple_choice import score_multiple_choice

# Questions that are scored together and then kept; more share a prefix longer.
CHUNK = 32


def evaluate_choices(
    lm: CausalLM,
    items: Sequence[MultipleChoiceItem],
    intervention: Intervention | None = None,
    *,
    strength: float = 1.0,
    instruction: bool = True,
    chat: bool = False,
    prompts: Path | None = None,
    reuse: bool = True,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """MC1, MC2 and MC3 after the instruction and the six-shot primer.

    Parameters
    ----------
    chat : all that stands before an answer is a user's turn in the model's chat template.
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
                chat=chat,
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
