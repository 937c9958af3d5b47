"""Numbers as tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tenpapers.report import Table, Value

from ..inputs.task import Task
from ..inversion.parse import ParseReport
from ..scoring.faithfulness import RagScores
from ..students.classifiers import student_spec
from .claims import RowNumbers
from .settings import Study

if TYPE_CHECKING:
    from .arms import SeedRun


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
    account = _account(generated, parsed)
    if final != account["texts"]:
        account["in the data set"] = final
    lacking = [label for label, count in parsed["labels"].items() if not count]
    note = f"No text of label {', '.join(lacking)}." if lacking else ""
    return Table("What became of the inputs", list(account), [list(account.values())], note)


def accounts(runs: Sequence["SeedRun"]) -> Table:
    """What became of the inputs of every arm and seed of the study."""
    rows = {
        (name, run.seed): _account(run.generated[name], run.parsed[name])
        for run in runs
        for name in run.parsed
    }
    columns = ["arm", "seed", *next(iter(rows.values()))]
    cells = [[*key, *account.values()] for key, account in rows.items()]
    return Table("What became of the inputs", columns, cells)


def _account(generated: Mapping[str, Any], parsed: Mapping[str, Any]) -> dict[str, Value]:
    report = ParseReport.of(dict(parsed))
    failed, too_long = generated["failed"], generated["too_long"]
    first = {"inputs": report.generations + failed + too_long, "too long": too_long}
    return first | {"failed": failed, **report.set_aside, "texts": report.texts}


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
    rows: Mapping[int, Mapping[str, int]],
    numbers: Mapping[int, Mapping[str, RowNumbers]],
    how: str,
) -> Table:
    """The paper's table of student accuracies, one task's column, with the other metrics beside.

    Parameters
    ----------
    rows, numbers : by seed, of every line: how many rows it has, and its numbers.
    how : the sets were made equal for the other metrics.
    """
    seeds = list(numbers)
    fields = ("accuracy", "self_bleu", "entropy", "mauve", "preservation")
    cells: list[list[Value]] = []
    for name in numbers[seeds[0]]:
        of_seeds = [numbers[seed][name] for seed in seeds]
        means = {field: _mean_and_spread([getattr(n, field) for n in of_seeds]) for field in fields}
        count = sum(rows[seed][name] for seed in seeds) / len(seeds)
        resampled, _ = _mean_and_spread([n.std for n in of_seeds])
        accuracy, *others = means.values()
        cells.append(
            [name, count, *accuracy, resampled, None, *(cell for pair in others for cell in pair)]
        )
    columns = ["method", "rows", f"{study.task} accuracy", "+-", "std", "paper: accuracy"]
    for title in ("Self-BLEU-5", "entity entropy (bits)", "MAUVE (factor 1)", "label preservation"):
        columns += [title, f"+- {title.partition(' (')[0]}"]
    spread = "bootstrap samples of the rows" if student_spec(study.student).probe else "trainings"
    note = (
        f"Means of {len(seeds)} seeds ({', '.join(map(str, seeds))}); +- is half of their range. "
        f"Accuracy in percent of {study.student} students on real test rows; std: over {study.runs}"
        f" {spread}. The other metrics at {how}; entity entropy is the mean over the types that "
        "all sets have. The paper's numbers could not be confirmed, so there are none."
    )
    return Table("Data sets and students", columns, cells, note)


def _mean_and_spread(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and half of the range; None where a seed has no number, and no range of one."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None, None
    return sum(known) / len(known), (max(known) - min(known)) / 2 if len(known) > 1 else None


def student_table(students: Mapping[str, Mapping[str, Any]], seed: int) -> list[Table]:
    """The fine-tuned students, where there are any."""
    rows: list[list[Value]] = [
        [key, result["n_train"], 100 * result["mean"]]
        for key, result in students.items()
        if "," in key
    ]
    if not rows:
        return []
    return [
        Table(
            f"Fine-tuned students (one run), seed {seed}",
            ["set, student", "rows", "accuracy"],
            rows,
        )
    ]
