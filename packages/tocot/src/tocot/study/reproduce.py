"""The study: recorded pairs, literature, solvers, and a live model; one report."""

import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tenpapers.generation import Generator, open_generator
from tenpapers.records import read_json_lines
from tenpapers.report import Picture, Table, claim_folder, manifest, print_report, write_report

from ..answering.cue_wordings import variants_table
from ..answering.prompts import VARIANTS
from ..answering.run import run
from ..inputs.demonstrations import task_items
from ..inputs.load import data_folder
from ..literature import MetaResult, meta_analyse, read_results
from ..scoring.cell_numbers import group_table, merged_parts
from ..scoring.cell_tests import cell_tests, verdict
from ..scoring.equals_sign import equals_pairs, equals_split, pooled
from ..scoring.pairs import Cell, cells
from ..scoring.score_responses import score_file, score_output
from ..solvers.logic import solve_bool, solve_fol
from ..solvers.plan_repair import recover_plan
from ..solvers.plan_study import plan_study, plan_table
from ..solvers.python import solve_python_all
from .figures import deltas_figure, equals_figure, meta_figure, overview_figure
from .settings import Study, read_study
from .tables import cell_table, frame_table, group_rows, mapping_table

Body = list[str | Table | Picture]
# The paper's two named tables of section 7 that could be confirmed, points.
PAPER_GAINS = {"symbolic & algorithmic": 14.2, "math": 12.3, "logical reasoning": 6.9}


def reproduce(
    out: Path,
    *,
    scale: str = "cpu",
    config: Path | None = None,
    model: str | None = None,
    seed: int | None = None,
    limit: int | None = None,
    time_budget: float | None = None,
    overwrite: bool = False,
) -> None:
    """Run all parts and write report, table, figures and JSON; a killed run goes on.

    Parameters
    ----------
    limit : items of each live task.
    time_budget : seconds of the live part.

    Raises
    ------
    UserError : `out` holds a study of other settings; what the parts raise.
    """
    began = time.monotonic()
    study = read_study(scale, config, model=model, seed=seed, limit=limit, time_budget=time_budget)
    claim_folder(out, study.model_dump(mode="json"), overwrite=overwrite, parts=["live", "plans"])
    folder = data_folder()
    results: dict[str, Any] = {}
    body: Body = [_intro(study, folder)]
    meta = _literature(study, folder)
    recorded = _recorded(study, folder)
    body += _groups_part(out, recorded, meta, results, study)
    body += _equals_part(out, recorded, results)
    body += _literature_part(out, meta, results)
    body += _solver_part(folder, results)
    body += _live_part(out, study, results)
    tokens = int(results.get("live", {}).get("new_tokens", 0))
    details = manifest(
        study.model_dump(mode="json"),
        seed=study.seed,
        began=began,
        tokens=tokens,
        data=sorted(folder.glob("replay/*.gz")) if folder else [],
    )
    write_report(
        out, f"To CoT or not to CoT, {scale} scale", body, results=results, manifest=details
    )
    print_report(body, out, time.monotonic() - began)


def _intro(study: Study, folder: Path | None) -> str:
    if folder is None:
        return (
            "No real data is at hand (shared/data/tocot): recorded pairs, literature and solvers "
            f"are left out; the live part asks {study.model} the package's own small questions."
        )
    return (
        "Recorded pairs of text-davinci-002 (zero-shot, 12 tasks) and code-davinci-002 (few-shot, "
        "27 tasks), graded by our gold-blind extractor; published comparisons; solvers; live: "
        f"{study.model}."
    )


def _literature(study: Study, folder: Path | None) -> MetaResult | None:
    path = study.literature or (folder / "meta" / "literature_mini.csv" if folder else None)
    return meta_analyse(read_results([path])) if path and path.exists() else None


def _recorded(study: Study, folder: Path | None) -> list[Cell]:
    source = study.replay or (folder / "replay" if folder else None)
    if source is None or not source.is_dir():
        return []
    files = sorted(source.glob("*.jsonl*"))
    return cells([row for file in files for row in score_file(file)])


def _groups_part(
    out: Path, recorded: list[Cell], meta: MetaResult | None, results: dict[str, Any], study: Study
) -> Body:
    if not recorded:
        return []
    groups = group_table(recorded, "five")
    rows = cell_tests(recorded, policy="guess", resamples=study.resamples, seed=study.seed)
    results["groups"], results["significance"] = groups, rows
    zero = [row for row in groups if row["source"] == "zero_shot_cot"]
    order = [row["group"] for row in sorted(zero, key=lambda row: row["delta_guess"])]
    holds = order == ["Commonsense", "Mathematical", "Symbolic"]
    return [
        group_rows(groups, "Groups of tasks, recorded pairs", rows),
        overview_figure(out / "fig1.png", groups, meta),
        f"The paper's ordering, Commonsense below Mathematical below Symbolic (zero-shot, guess): "
        f"{'holds' if holds else 'does not hold'}. "
        + ", ".join(f"{row['group']} {row['delta_guess']:+.1f}" for row in zero)
        + ".",
        _policy_sentence(zero),
        deltas_figure(out / "fig3.png", rows, "Gain of chain of thought, recorded pairs (guess)"),
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


def _equals_part(out: Path, recorded: list[Cell], results: dict[str, Any]) -> Body:
    if not recorded:
        return []
    split = {}
    for source in dict.fromkeys(cell.source for cell in recorded):
        own = [cell for cell in recorded if cell.source == source]
        split[source] = pooled([equals_split(equals_pairs(one.direct, one.cot)) for one in own])
    named = {
        cell.task: equals_split(equals_pairs(cell.direct, cell.cot))
        for cell in recorded
        if cell.source == "zero_shot_cot"
    }
    results["equals"] = {name: one.as_json() for name, one in (split | named).items()}
    shares = ", ".join(
        f"{name} {one.share_with:.0f} %" for name, one in split.items() if one.share_with
    )
    return [
        equals_figure(out / "equals.png", named | split),
        f"Share of the gain that comes from items with an equals sign: {shares}. The paper's "
        "finding (up to 95 % on MMLU) does not transfer to these tasks: the sign tells math from "
        "the rest within MMLU, not string tasks from others.",
    ]


def _literature_part(out: Path, meta: MetaResult | None, results: dict[str, Any]) -> Body:
    if meta is None:
        return []
    table = meta.categories.assign(
        paper=[PAPER_GAINS.get(name) for name in meta.categories["category"]]
    ).rename(columns={"paper": "paper: mean"})
    results["literature"] = {
        "rows": len(meta.rows),
        "cells": len(meta.cells),
        "mean_rows": meta.mean_rows,
        "mean_cells": meta.mean_cells,
        "top": meta.top,
    }
    return [
        frame_table(
            table.astype(object).where(table.notna(), None),
            "Comparisons in the literature",
            f"{len(meta.rows)} comparisons of {meta.rows['paper_id'].nunique()} papers in "
            f"{len(meta.cells)} (paper, category) cells, a small sample of the paper's 1,218; "
            "points. The paper's means are over its own 110 papers.",
        ),
        meta_figure(out / "meta.png", meta),
    ]


def _solver_part(folder: Path | None, results: dict[str, Any]) -> Body:
    """Tool solvers on real plans: programs, formulas, annotations, messy model output."""
    if folder is None:
        return []

    def rows(name: str) -> list[dict[str, Any]]:
        return [row for _, row in read_json_lines(folder / f"{name}.jsonl.gz")]

    table: list[list[Any]] = []
    hard = rows("plans/gsm_hard")
    found = solve_python_all([recover_plan(row["code"]).text for row in hard])
    right = sum(
        one.status == "ok"
        and math.isclose(float(one.value or 0), row["target"], rel_tol=1e-6, abs_tol=1e-9)
        for one, row in zip(found, hard, strict=True)
    )
    table.append(["GSM-Hard programs", len(hard), sum(one.status == "ok" for one in found), right])
    codex = rows("plans/aqua_pal_codex")
    plans = [recover_plan(row["generated_answer"]) for row in codex]
    ran = solve_python_all([plan.text for plan in plans])
    table.append(
        ["Codex programs (AQuA)", len(codex), sum(one.status == "ok" for one in ran), None]
    )
    hub = [
        row
        for part in ("deductive_l1", "deductive_l2", "abductive_l1", "abductive_l2")
        for row in rows(f"tasks/contexthub_{part}")
    ]
    solved = [solve_bool(row["abstract"]) for row in hub]
    right = sum(one.value == row["gold"] for one, row in zip(solved, hub, strict=True))
    table.append(
        ["ContextHub formulas", len(hub), sum(one.status == "ok" for one in solved), right]
    )
    folio = rows("tasks/folio")
    for domain in ("open", "closed"):
        logic = [
            solve_fol(
                {"premises": row["premises-FOL"].splitlines(), "conclusion": row["conclusion-FOL"]},
                domain,
            )
            for row in folio
        ]  # type: ignore[arg-type]
        right = sum(one.value == row["label"] for one, row in zip(logic, folio, strict=True))
        done = sum(one.status == "ok" for one in logic)
        table.append([f"FOLIO annotations, {domain} domain", len(folio), done, right])
    results["solvers"] = {row[0]: row[1:] for row in table}
    repairs = Counter(name for plan in plans for name in plan.repairs)
    return [
        Table(
            "Tool solvers on real plans",
            ["plans", "n", "solved", "right"],
            table,
            "Repairs of the Codex programs: "
            + ", ".join(f"{name} {n}" for name, n in repairs.most_common())
            + ".",
        )
    ]


def _live_part(out: Path, study: Study, results: dict[str, Any]) -> Body:
    if not study.model:
        return []
    deadline = time.monotonic() + study.time_budget if study.time_budget else None
    with open_generator(study.model) as model:
        body = _live_tasks(out, study, model, deadline, results)
        body += _live_plans(out, study, model, deadline, results)
        body += _live_wordings(out, study, model, deadline, results)
    if deadline is not None and time.monotonic() > deadline:
        body.append("The time budget ended before all live items were asked: partial tables.")
    return body


def _live_tasks(
    out: Path, study: Study, model: Generator, deadline: float | None, results: dict[str, Any]
) -> Body:
    outputs = []
    data = None if data_folder() else own_items()
    for task in study.tasks if data is None else ["gsm8k", "csqa"]:
        items, demos = task_items(
            task, data[task] if data else None, study.n, study.seed, study.settings
        )
        settings = [name for name in study.settings if demos or not name.startswith("fs")]
        outputs += run(
            model,
            items,
            settings,
            out / "live" / f"{task}.jsonl",
            style=study.style,  # type: ignore[arg-type]
            demos=demos,
            budgets=study.budgets,
            small_window=study.small_window,
            deadline=deadline,
        )
    table = [cell for cell in cells([score_output(one, {}) for one in outputs]) if cell.direct]
    if not table:
        return []
    rows = cell_tests(table, policy="guess", resamples=study.resamples, seed=study.seed)
    results["live"] = {"cells": rows, "new_tokens": sum(one.new_tokens for one in outputs)}
    return [
        cell_table(table, "wrong"),
        mapping_table(rows, "Live cells, unparseable: guess"),
        group_rows(group_table(merged_parts(table), "five"), "Groups of tasks, live", rows),
        "\n".join(_claim(row) for row in rows),
    ]


def _claim(row: dict[str, Any]) -> str:
    """Whether a live cell claims anything."""
    inside = row["ci_low"] <= 0 <= row["ci_high"]
    said = "covers 0: no claim" if inside else "does not cover 0"
    return (
        f"{row['task']}: {row['delta']:+.1f} points (n = {row['n']}), the 95 % interval "
        f"{row['ci_low']:+.1f} to {row['ci_high']:+.1f} {said}."
    )


def _live_plans(
    out: Path, study: Study, model: Generator, deadline: float | None, results: dict[str, Any]
) -> Body:
    if data_folder() is None:
        return []
    found: dict[str, list[Any]] = {}
    forms = ["fs_cot"] if study.plan_few_shot else []
    # Where time is short, the solver's setting of every task comes before the others.
    for settings in (["da", "cot"], ["plan_tool"], ["plan_direct"], ["plan_cot"]):
        for task in study.plan_tasks:
            items, demos = task_items(task, None, study.plan_n, study.seed, forms)
            found[task] = plan_study(
                model,
                items,
                settings,
                out / "plans" / f"{task}.jsonl",
                demos=demos,
                budget=study.plan_budget,
                budgets=study.budgets,
                deadline=deadline,
            )
    rows = [row for outputs in found.values() for row in plan_table(outputs)]
    results["plans"] = rows
    if not rows:
        return []
    note = "Unparseable answers are wrong for numbers and count 1/3 for logic."
    return [mapping_table(rows, "Planning and execution (live)", note)]


def _live_wordings(
    out: Path, study: Study, model: Generator, deadline: float | None, results: dict[str, Any]
) -> Body:
    if not study.wordings:
        return []
    outputs: dict[str, dict[str, Any]] = {}
    for task in study.wordings:
        items, _ = task_items(task, None, study.wording_n, study.seed, [])
        outputs[task] = {
            name: run(
                model,
                items,
                ["zs_cot"],
                out / "live" / name / f"{task}.jsonl",
                variant=name,
                budgets=study.budgets,
                deadline=deadline,
            )
            for name in VARIANTS
        }
    rows = variants_table(outputs)
    results["wordings"] = rows
    return [mapping_table(rows, "Wordings of the zero-shot cue")] if rows else []


def own_items() -> dict[str, Path]:
    """The package's own small questions, for a machine without real data."""
    from importlib.resources import files

    place = files("tocot").joinpath("data/mini")
    return {name: Path(str(place.joinpath(f"{name}.jsonl"))) for name in ("gsm8k", "csqa")}
