"""FewGen: the same teacher without a corpus. Rows to ask for, demonstrations from the seeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..inputs.task import Task
from ..records import Example, IclRow, InputRow
from ..sourcing.shorten import shortened

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def fewgen_inputs(task: Task, per_label: int) -> list[InputRow]:
    """Rows without a document, so many of each label."""
    return [
        InputRow(id=f"fewgen-{label}-{number:05d}", label=label)
        for label in task.labels
        for number in range(per_label)
    ]


def fewgen_shots(
    seeds: Sequence[Example], task: Task, tokenizer: "PreTrainedTokenizerBase"
) -> list[IclRow]:
    """Every seed as a demonstration without a document, cut to an answer's length.

    Raises
    ------
    UserError : a seed whose label the task does not have.
    """
    rows = []
    for seed in seeds:
        task.verbalizer(seed.label)
        found = shortened(seed.text, tokenizer, max_tokens=task.max_new_tokens)
        text = found.text if found and found.text else seed.text
        own = {"id": seed.id, "label": seed.label, "example_text": text, "seed_id": seed.id}
        rows.append(IclRow.model_validate(seed.unknown | own))
    return rows
