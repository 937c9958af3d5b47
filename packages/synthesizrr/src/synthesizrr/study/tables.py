"""Numbers as tables."""

from collections.abc import Mapping, Sequence, Sized
from typing import Any

from tenpapers.report import Table, Value

from ..inputs.task import Task
from ..inversion.parse import ParseReport
from ..scoring.faithfulness import RagScores
from .claims import RowNumbers
from .settings import Study


def task_table(tasks: Sequence[Task]) -> Table:
    """The tasks that ship with the package."""
    rows: list[list[Value]] = [
        [
            task.name,
            len(task.labels),
            task.corpus,
            task.seeds_per_class,
            task.rows_per_class,
            task.train_rows,
            task.max_new_tokens,
        ]
        for task in tasks
    ]
    columns = [
        "task",
        "labels",
        "corpus",
        "seeds/class",
        "prompts/class",
        "train rows",
        "new tokens",
    ]
    return Table("Tasks", columns, rows)


def account_table(generated: Mapping[str, Any], parsed: Mapping[str, Any], final: int) -> Table:
    """What became of every input of a run: each is in one of the numbers of its row."""
    report = ParseReport.of(dict(parsed))
    failed, too_long = generated["failed"], generated["too_long"]
    cells = [report.generations + failed + too_long, too_long, failed, *report.set_aside.values()]
    names = ["inputs", "too long", "failed", *report.set_aside, "texts"]
    kept = [*cells, report.texts]
    if final != report.texts:
        names, kept = [*names, "in the data set"], [*kept, final]
    lacking = [label for label, count in report.labels.items() if not count]
    note = f"No text of label {', '.join(lacking)}." if lacking else ""
    return Table("What became of the inputs", names, [kept], note)


def run_student_table(student: Mapping[str, Any]) -> Table:
    """The student of one run."""
    std = student["std"]
    cells = [
        student["student"]["name"],
        student["n_train"],
        student["n_test"],
        100 * student["mean"],
        None if std is None else 100 * std,
    ]
    columns = ["student", "rows", "test rows", "accuracy", f"std over {student['spread']}"]
    return Table("Student", columns, [cells])


def rag_table(found: RagScores, judge: str) -> Table:
    """What a judge said."""
    cells = [found.rows, found.faithfulness, found.context_relevance, found.unreadable]
    names = ["rows", "faithfulness", "context relevance", "unreadable replies"]
    return Table(f"Judged by {judge}", names, [cells])


def comparison(results: Mapping[str, Mapping[str, Any]], note: str) -> list[Table]:
    """Data sets side by side, and the entropy of every entity type where it was measured."""
    tables = [metrics_table(results, "Data sets", note)]
    if all("entity_entropy" in found for found in results.values()):
        tables.append(entity_table(results))
    return tables


def metrics_table(results: Mapping[str, Mapping[str, Any]], title: str, note: str = "") -> Table:
    """One row a data set, a column a metric that was measured; shares in percent."""
    columns: dict[str, None] = {"data set": None, "n": None}
    rows = []
    for name, found in results.items():
        row = {"data set": name, "n": found["n"]} | metric_cells(found)
        columns |= dict.fromkeys(row)
        rows.append(row)
    cells = [[row.get(column) for column in columns] for row in rows]
    return Table(title, list(columns), cells, note)


def metric_cells(found: Mapping[str, Any]) -> dict[str, Value]:
    """The cells of one set."""
    cells: dict[str, Value] = {}
    for n, value in found.get("self_bleu", {}).items():
        cells[f"Self-BLEU-{n}"] = 100 * value
    if "entity_entropy" in found:
        types = found["entity_entropy"].values()
        mean = sum(kind["entropy_bits"] for kind in types) / len(types) if types else None
        cells["entity entropy (bits)"] = found.get("entity_entropy_mean", mean)
    if "entity_recall" in found:
        share = found["entity_recall"]["distinct"]
        cells["entity recall"] = None if share is None else 100 * share
    if "mauve" in found:
        scaling = found["mauve"]["scaling"]
        cells[f"MAUVE (factor {scaling:g})"] = 100 * found["mauve"]["value"]
    if "label_preservation" in found:
        cells["label preservation"] = 100 * found["label_preservation"]["accuracy"]
    if "length" in found:
        cells["characters"] = found["length"]["mean"]
        cells["words"] = found["length"]["words"]["mean"]
    if "cosine" in found:
        table = found["cosine"]["labels"]
        cells["cosine within"] = sum(table[a][a] for a in table) / len(table)
        others = [table[a][b] for a in table for b in table if a != b]
        if others:
            cells["cosine across"] = sum(others) / len(others)
    return cells


def entity_table(results: Mapping[str, Mapping[str, Any]]) -> Table:
    """Entropy of every entity type of every set."""
    kinds = sorted({kind for found in results.values() for kind in found["entity_entropy"]})
    rows: list[list[Value]] = [
        [
            kind,
            *(
                found["entity_entropy"].get(kind, {}).get("entropy_bits")
                for found in results.values()
            ),
        ]
        for kind in kinds
    ]
    return Table("Entity entropy (bits)", ["type", *results], rows)


def row_numbers(
    students: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, Mapping[str, Any]]
) -> dict[str, RowNumbers]:
    """The numbers that the claims are about, in percent."""
    return {
        name: RowNumbers(
            self_bleu=100 * found["self_bleu"]["5"],
            entropy=found.get("entity_entropy_mean"),
            mauve=100 * found["mauve"]["value"] if "mauve" in found else None,
            accuracy=100 * students[name]["mean"],
            std=None if students[name]["std"] is None else 100 * students[name]["std"],
            preservation=100 * found["label_preservation"]["accuracy"],
        )
        for name, found in metrics.items()
    }


def study_table(
    study: Study,
    sets: Mapping[str, Sized],
    students: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Mapping[str, Any]],
    how: str,
) -> Table:
    """The paper's table of student accuracies, one task's column, with the other metrics beside.

    Parameters
    ----------
    how : the sets were made equal for the other metrics.
    """
    rows: list[list[Value]] = [
        [
            name,
            len(sets[name]),
            numbers.accuracy,
            numbers.std,
            None,
            numbers.self_bleu,
            numbers.entropy,
            numbers.mauve,
            numbers.preservation,
        ]
        for name, numbers in row_numbers(students, metrics).items()
    ]
    columns = [
        "method",
        "rows",
        f"{study.task} accuracy",
        "std",
        "paper: accuracy",
        "Self-BLEU-5",
        "entity entropy (bits)",
        "MAUVE (factor 1)",
        "label preservation",
    ]
    note = (
        f"Accuracy in percent of {study.student} students on real test rows, mean of {study.runs} "
        f"runs on all rows of a set. The other metrics at {how}: {metrics['Gold']['n']} rows; "
        "entity entropy is the mean over the types that all sets have. The paper's numbers could "
        "not be confirmed, so there are none."
    )
    return Table("Data sets and students", columns, rows, note)


def student_table(students: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """The fine-tuned students, where there are any."""
    rows: list[list[Value]] = [
        [key, result["n_train"], 100 * result["mean"]]
        for key, result in students.items()
        if "," in key
    ]
    if not rows:
        return []
    return [Table("Fine-tuned students (one run)", ["set, student", "rows", "accuracy"], rows)]
