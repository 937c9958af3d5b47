"""The parts of the study that need no model: recorded pairs, literature, solvers."""

import math
from collections import Counter
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from tenpapers.journal import Journal
from tenpapers.paper import Paper
from tenpapers.records import read_json_lines
from tenpapers.report import Table

from ..literature import MetaResult, meta_analyse, read_results
from ..scoring.cell_numbers import group_table
from ..scoring.cell_tests import cell_tests, verdict
from ..scoring.equals_sign import EqualsResult, equals_by_task
from ..scoring.pairs import Cell, cells
from ..scoring.score_responses import score_file
from ..solvers.logic import solve_bool, solve_fol
from ..solvers.plan_repair import Plan, recover_plan
from ..solvers.python import SolverResult, solve_python_all
from ..solvers.settings import Domain
from .figures import deltas_figure, equals_figure, meta_figure, overview_figure
from .literature_report import literature_values
from .settings import StudySettings
from .tables import Body, Results, frame_table, group_rows

# The order of their gains in the paper, smallest first, of the groups that were recorded.
PAPER_ORDER = ["Commonsense", "Mathematical", "Symbolic"]
ZERO_SHOT = "zero_shot_cot"  # source of the recorded zero-shot pairs


def literature_of(study: StudySettings) -> MetaResult:
    """The meta-analysis of the study's CSV, else of the small one that ships with this package."""
    with as_file(files("tocot").joinpath("data/literature.csv")) as ours:
        return meta_analyse(read_results([study.literature or ours]))


def recorded_cells(study: StudySettings, folder: Path | None) -> list[Cell]:
    """The study's recorded pairs, else those of the published data, graded by us."""
    source = study.replay or (folder / "replay" if folder else None)
    if source is None or not source.is_dir():
        return []
    files = sorted(source.glob("*.jsonl*"))
    return cells([row for file in files for row in score_file(file)])


def groups_part(
    journal: Journal,
    recorded: list[Cell],
    meta: MetaResult,
    study: StudySettings,
    results: Results,
) -> Body:
    """Groups of tasks, their order, paired tests."""
    if not recorded:
        return []
    groups = group_table(recorded, "five")
    rows = cell_tests(recorded, policy="guess", resamples=study.resamples, seed=study.seed)
    results["groups"], results["significance"] = groups, rows
    zero = [row for row in groups if row["source"] == ZERO_SHOT]
    order = [row["group"] for row in sorted(zero, key=lambda row: row["delta_guess"])]
    holds = "holds" if order == PAPER_ORDER else "does not hold"
    gains = ", ".join(f"{row['group']} {row['delta_guess']:+.1f}" for row in zero)
    return [
        group_rows(groups, "Groups of tasks, recorded pairs", rows),
        overview_figure(journal.file("fig1.png"), groups, meta),
        "The paper's ordering, Commonsense below Mathematical below Symbolic (zero-shot, guess): "
        f"{holds}. {gains}.",
        _policy_sentence(zero),
        deltas_figure(
            journal.file("fig3.png"), rows, "Gain of chain of thought, recorded pairs (guess)"
        ),
        verdict(rows),
        group_rows(group_table(recorded, "meta"), "Categories of tasks, recorded pairs"),
    ]


def _policy_sentence(rows: list[dict[str, Any]]) -> str:
    common = next((row for row in rows if row["group"] == "Commonsense"), None)
    if common is None:
        return ""
    return (
        f"Commonsense gains {common['delta_wrong']:+.1f} points if an unparseable response is "
        f"wrong and {common['delta_guess']:+.1f} if it is a guess: "
        f"{common['unparsed_direct']:.0f} % of the direct answers commit to nothing. The policy "
        "alone would reverse the conclusion."
    )


def equals_part(journal: Journal, recorded: list[Cell], results: Results) -> Body:
    """Where "=" stands, and how much of the gain comes from there."""
    if not recorded:
        return []
    split = equals_by_task(recorded)
    wholes = {name.removesuffix("/all"): part for name, part in split.items() if _is_whole(name)}
    named: dict[str, EqualsResult] = {
        cell.task: split[cell.name] for cell in recorded if cell.source == ZERO_SHOT
    }
    results["equals"] = {name: part.as_json() for name, part in (wholes | named).items()}
    shares = ", ".join(
        f"{name} {whole.share_with:.0f} %" for name, whole in wholes.items() if whole.share_with
    )
    return [
        equals_figure(journal.file("equals.png"), named | wholes),
        f"Share of the gain that comes from items with an equals sign: {shares}. The paper's "
        "finding (up to 95 % on MMLU) does not transfer to these tasks: the sign tells math from "
        "the rest within MMLU, not string tasks from others.",
    ]


def _is_whole(name: str) -> bool:
    return name.endswith("/all")


def literature_part(journal: Journal, meta: MetaResult, paper: Paper, results: Results) -> Body:
    """Comparisons in the literature beside the paper's means."""
    gains = [paper.confirmed(f"literature/gain/{name}") for name in meta.categories["category"]]
    table = meta.categories.assign(**{"paper: mean": gains})
    results["literature"] = literature_values(meta)
    return [
        frame_table(
            table.astype(object).where(table.notna(), None),
            "Comparisons in the literature",
            f"{len(meta.rows)} comparisons of {meta.rows['paper_id'].nunique()} papers in "
            f"{len(meta.cells)} (paper, category) cells, a small sample of the paper's "
            f"{paper.confirmed('literature/comparisons'):,.0f}; points. The paper's means are over "
            f"its own {paper.confirmed('literature/papers'):.0f} papers.",
        ),
        meta_figure(journal.file("meta.png"), meta),
    ]


def solver_part(folder: Path | None, results: Results) -> Body:
    """Tool solvers on real plans: programs, formulas, annotations, messy model output."""
    if folder is None:
        return []
    hard = _rows(folder, "plans/gsm_hard")
    codex = [recover_plan(row["generated_answer"]) for row in _rows(folder, "plans/aqua_pal_codex")]
    lines: list[list[str | int | None]] = [
        ["GSM-Hard programs", *_programs(hard)],
        ["Codex programs (AQuA)", *_messy_programs(codex)],
        ["ContextHub formulas", *_formulas(folder)],
    ]
    domains: tuple[Domain, ...] = ("open", "closed")
    for domain in domains:
        lines.append([f"FOLIO annotations, {domain} domain", *_annotations(folder, domain)])
    results["solvers"] = {line[0]: line[1:] for line in lines}
    repairs = Counter(name for plan in codex for name in plan.repairs)
    note = ", ".join(f"{name} {count}" for name, count in repairs.most_common())
    columns = ["plans", "n", "solved", "right"]
    title = "Tool solvers on real plans"
    return [Table(title, columns, lines, f"Repairs of the Codex programs: {note}.")]


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [row for _, row in read_json_lines(folder / f"{name}.jsonl.gz")]


def _solved(found: list[SolverResult]) -> int:
    return sum(result.status == "ok" for result in found)


def _programs(rows: list[dict[str, Any]]) -> list[int]:
    found = solve_python_all([recover_plan(row["code"]).text for row in rows])
    right = sum(
        result.status == "ok"
        and math.isclose(float(result.value or 0), row["target"], rel_tol=1e-6, abs_tol=1e-9)
        for result, row in zip(found, rows, strict=True)
    )
    return [len(rows), _solved(found), right]


def _messy_programs(plans: list[Plan]) -> list[int | None]:
    return [len(plans), _solved(solve_python_all([plan.text for plan in plans])), None]


def _formulas(folder: Path) -> list[int]:
    parts = ("deductive_l1", "deductive_l2", "abductive_l1", "abductive_l2")
    rows = [row for part in parts for row in _rows(folder, f"tasks/contexthub_{part}")]
    found = [solve_bool(row["abstract"]) for row in rows]
    right = sum(result.value == row["gold"] for result, row in zip(found, rows, strict=True))
    return [len(rows), _solved(found), right]


def _annotations(folder: Path, domain: Domain) -> list[int]:
    rows = _rows(folder, "tasks/folio")
    found = [
        solve_fol(
            {"premises": row["premises-FOL"].splitlines(), "conclusion": row["conclusion-FOL"]},
            domain,
        )
        for row in rows
    ]
    right = sum(result.value == row["label"] for result, row in zip(found, rows, strict=True))
    return [len(rows), _solved(found), right]
