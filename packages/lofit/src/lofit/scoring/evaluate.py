"""A part of a task, evaluated by its own metric; with or without an intervention."""

from tenpapers.errors import UserError
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..inputs.encoding import Encoding
from ..inputs.load_task import Split, Task
from ..records import (
    MultipleChoiceItem,
    MultipleChoiceResult,
    Prediction,
    PreferencePair,
    PreferenceResult,
    SFTExample,
)
from .answers import MAX_TOKENS, evaluate_answers
from .choices import evaluate_choices
from .evaluation import Evaluation
from .preferences import evaluate_preferences


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
    """Evaluate a part of a task with its own metric: multiple choice, preference, exact match.

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
            lm,
            questions,
            intervention,
            strength=strength,
            chat=chat,
            prompts=task.prompts,
            log=log,
            progress=progress,
        )
    pairs = [item for item in items if isinstance(item, PreferencePair)]
    if pairs:
        how = Encoding(chat=chat, template_options=lm.template_options)
        return evaluate_preferences(
            lm, pairs, intervention, strength=strength, encoding=how, log=log, progress=progress
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
    pairs = [item for item in evaluation.items if isinstance(item, PreferenceResult)]
    if pairs:
        return "reward_accuracy", [100 * (pair.correct or 0) for pair in pairs]
    answers = [item for item in evaluation.items if isinstance(item, Prediction)]
    return "em_normalized", [100 * answer.correct for answer in answers if not answer.error]
