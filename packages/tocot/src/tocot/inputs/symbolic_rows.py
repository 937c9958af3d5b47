"""Rows of the Symbolic group: BIG-Bench Hard, FOLIO, ContextHub."""

import re

from ..records import LETTERS, TaskItem
from .row_items import OPTION, Row, row_item
from .task_registry import TaskSpec

_FOLIO_LABELS = {"True": "A", "False": "B", "Unknown": "C", "Uncertain": "C"}
_FREE_BBH = {"dyck_languages", "multistep_arithmetic_two", "object_counting", "word_sorting"}


def read_folio(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The annotated formulas go with the item, where the row has them."""
    return [
        row_item(
            spec,
            number,
            f"Is this true, false or unknown: {row['conclusion']}",
            _FOLIO_LABELS[str(row["label"])],
            choices=["True", "False", "Unknown"],
            name=f"folio-{row.get('example_id', number)}",
            context=row["premises"],
            story_id=row.get("story_id"),
            premises=row.get("premises-FOL", ""),
            conclusion=row.get("conclusion-FOL", ""),
        )
    ]


def read_contexthub(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Gold comes from the formula, which goes with the item as `abstract`."""
    return [
        row_item(
            spec,
            number,
            row["question"],
            {"True": "A", "False": "B", "N/A": "C"}[row["gold"]],
            choices=["True", "False", "N/A"],
            name=row["id"],
            level=row["level"],
            root=row.get("root"),
            domain=row.get("domain", ""),
            abstract=row["abstract"],
            rationale=row.get("gold_cot", ""),
        )
    ]


def read_bbh(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Options stand in the question; four subsets have a free answer, others yes or no."""
    text, target = row["input"], str(row["target"]).strip()
    subset = row.get("subset", row.get("task", ""))
    more = {"name": f"bbh-{subset}-{number}" if subset else None, "subset": subset}
    stem, found, tail = text.partition("Options:")
    options = OPTION.findall(tail) if found else []
    if options:
        texts = [option for _, option in options]
        return [row_item(spec, number, stem, target.strip("()"), choices=texts, **more)]
    for pair in (("True", "False"), ("Yes", "No"), ("yes", "no"), ("valid", "invalid")):
        if target in pair and subset not in _FREE_BBH:
            gold = LETTERS[pair.index(target)]
            return [row_item(spec, number, text, gold, choices=pair, **more)]
    kind = "number" if re.fullmatch(r"-?\d+", target) else "text"
    free = spec.model_copy(update={"kind": kind})
    return [row_item(free, number, text, target, **more)]
