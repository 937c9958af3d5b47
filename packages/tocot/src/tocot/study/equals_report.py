"""The report on items with an equals sign: table, figure, subjects, text classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.journal import Journal
from tenpapers.report import Table

from ..records import Graded
from ..scoring.equals_sign import equals_by_task, subject_table, text_classifier
from ..scoring.pairs import Cell
from ..scoring.score_responses import cot_texts
from ..scoring.settings import EqualsSettings
from .figures import equals_figure
from .tables import mapping_table, write_rows

SUBJECTS_SHOWN = 10


def write_equals(
    journal: Journal, cells: Sequence[Cell], paths: Sequence[Path], settings: EqualsSettings
) -> tuple[list[dict[str, Any]], list[Table]]:
    """Write `equals.csv` and `equals.png`; its rows, and all tables.

    Parameters
    ----------
    paths : files and folders that the cells come from; the classifier reads their texts.

    Raises
    ------
    UserError : a cell that lacks an arm; too few items for the classifier.
    """
    split = equals_by_task(cells, settings.scope, include_choices=settings.include_choices)
    rows = [{"task": name, **result.as_json()} for name, result in split.items()]
    title = f"Gain with and without an equals sign ({settings.scope})"
    tables = [write_rows(journal.file("equals.csv"), rows, title)]
    equals_figure(journal.file("equals.png"), split)
    pairs = [pair for cell in cells for pair in zip(cell.direct, cell.cot, strict=True)]
    tables += _subjects(pairs)
    if settings.classifier:
        tables.append(_classifier(pairs, paths, settings))
    return rows, tables


def _subjects(pairs: Sequence[tuple[Graded, Graded]]) -> list[Table]:
    credits = [
        (direct.subject, float(direct.correct), float(cot.correct))
        for direct, cot in pairs
        if direct.subject
    ]
    rows = subject_table(credits)
    return [mapping_table(rows[:SUBJECTS_SHOWN], "Subjects by error reduction")] if rows else []


def _classifier(
    pairs: Sequence[tuple[Graded, Graded]], paths: Sequence[Path], settings: EqualsSettings
) -> Table:
    texts = cot_texts(paths, task=settings.task, setting=settings.setting)
    known = [pair for pair in pairs if _key(pair[1]) in texts]
    scores = text_classifier(
        [texts[_key(cot)] for _, cot in known],
        [cot.eq_question or cot.eq_response for _, cot in known],
        [cot.correct and not direct.correct for direct, cot in known],
    )
    rows = [{"features": name, **values} for name, values in scores.items()]
    return mapping_table(rows, "Telling where CoT alone is right (cross-validated)")


def _key(row: Graded) -> tuple[str, str, str]:
    return row.source, row.task, row.id
