"""AGIEval's demonstrations of the LSAT tasks: questions with explanations, in one CSV."""

import ast
import csv
import gzip
from pathlib import Path

from tenpapers.errors import UserError

from ..records import TaskItem
from .row_readers import READERS
from .task_registry import TaskSpec

FILE = "agieval_few_shot.csv.gz"
BUDGET_TOKENS = 2048
# Without the model's tokenizer at hand: what English text has on average.
CHARACTERS_PER_TOKEN = 4


def lsat_demonstrations(spec: TaskSpec, folder: Path) -> list[TaskItem]:
    """As many demonstrations as fit 2,048 tokens, each with its explanation as the rationale.

    Raises
    ------
    UserError : the file is missing or of another form.
    """
    path = folder / "tasks" / FILE
    if not path.exists():
        raise UserError(f"{path}: no such file", "pass --demos FILE with TaskItem records")
    csv.field_size_limit(1 << 30)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = {row[""]: row for row in csv.DictReader(stream)}
    column = spec.file.removeprefix("agieval_")
    demos: list[TaskItem] = []
    left = BUDGET_TOKENS * CHARACTERS_PER_TOKEN
    for number in range(1, 6):
        text = rows.get(f"sample {number}", {}).get(column, "")
        if not text:
            break
        try:
            (item,) = READERS["lsat"](spec, ast.literal_eval(text), number)
        except (ValueError, SyntaxError, KeyError) as error:
            raise UserError(f"{path}: sample {number} of {column}: {error}") from None
        rationale = rows[f"explanation {number}"][column].strip()
        left -= len(text) + len(rationale)
        if left < 0:
            break
        name = f"{spec.name}-demo-{number}"
        demos.append(item.model_copy(update={"id": name, "meta": {"rationale": rationale}}))
    return demos
