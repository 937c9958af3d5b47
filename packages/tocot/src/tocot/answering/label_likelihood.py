"""Direct answers by the log-probability of each label, without generation."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.generation import Generator, Request
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.hf import HFBackend
from tenpapers.journal import RowLog
from tqdm import tqdm

from ..inputs.task_registry import task_spec
from ..records import Demos, Output, TaskItem
from .output_log import outputs_in
from .run import Job, plan_jobs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def run_logprob(
    model: Generator,
    items: Sequence[TaskItem],
    settings: Sequence[str],
    log: RowLog,
    *,
    demos: Demos = (),
    folder: Path | None = None,
    small_window: bool = False,
    progress: bool = True,
) -> list[Output]:
    """Answer with the likeliest label after the prefill (`--da-mode logprob`).

    Parameters
    ----------
    settings : zs_direct, fs_direct.
    log : outputs of one task; what it has is not scored again.

    Returns
    -------
    All outputs in `log`.

    Raises
    ------
    UserError : an item without labels; a backend without the weights in process.
    """
    jobs = plan_jobs(
        items, settings, style="prefill", demos=demos, folder=folder, small_window=small_window
    )
    for job in tqdm(log.missing(jobs), desc="labels", unit="item", disable=not progress):
        log.write(_likeliest(model, job))
    return outputs_in(log)


def _likeliest(model: Generator, job: Job) -> Output:
    item, prompt = job.item, job.prompt
    if item.choices is None:
        raise UserError(f"{item.id}: no labels to score")
    spec = task_spec(item.task)
    text = chat_text(_tokenizer(model), Request(id=item.id, messages=tuple(prompt.messages)))
    # A blank at the end of the prefill belongs to the label's token.
    head = text.rstrip(" ")
    scores = model.score(head, [text[len(head) :] + label for label in item.choices.label])
    best = max(range(len(scores)), key=lambda index: (scores[index].total, -index))
    label = item.choices.label[best]
    return Output(
        id=item.id,
        task=item.task,
        model=Path(model.backend.model).name,
        setting=job.setting,
        response=f"{prompt.prefill}{label}",
        prefill=prompt.prefill,
        finish_reason="logprob",
        answer=label,
        rule="logprob",
        parsed=True,
        correct=label == item.gold,
        choices=item.choices,
        answer_kind=item.answer_kind,
        gold=item.gold,
        question=item.question,
        category=spec.category,
        subject=str(item.meta.get("subject", "")),
    )


def _tokenizer(model: Generator) -> "PreTrainedTokenizerBase":
    if not isinstance(model.backend, HFBackend):
        raise UserError("--da-mode logprob needs the weights in process", "an hf: model")
    return model.backend.lm.tokenizer
