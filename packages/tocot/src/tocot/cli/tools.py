"""Commands without responses: solve, meta, tasks."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import AllowCode, Json, OutDir, require_code_permission, say

from ..solvers.settings import Domain, PlanKind

app = typer.Typer()


@app.command()
def tasks(as_json: Json = False) -> None:
    """The tasks: group, category, kind of answers, budgets, demonstrations.

    Example: tocot tasks
    """
    from ..inputs.task_registry import registry
    from ..study.tables import task_table

    known = list(registry().values())
    say([spec.model_dump() for spec in known], as_json, task_table(known))


@app.command()
def solve(
    files: Annotated[
        list[Path], typer.Argument(help="JSONL of {id, plan}, or files with one plan each.")
    ],
    out: OutDir,
    kind: Annotated[PlanKind, typer.Option("--kind", help="Of the plans.")],
    domain: Annotated[
        Domain, typer.Option("--domain", help="fol: closed has the named things alone.")
    ] = "open",
    timeout: Annotated[
        float, typer.Option("--timeout", help="CPU seconds of a Python plan.")
    ] = 1.0,
    weak_sandbox: Annotated[
        bool, typer.Option("--weak-sandbox", help="Go on where the kernel gives no barrier at all.")
    ] = False,
    allow_code: AllowCode = False,
    as_json: Json = False,
) -> None:
    """Run the tool solver on plans alone: Python in the sandbox, logic through Z3.

    Example: tocot solve plans.jsonl --kind python --allow-code --out runs/solved
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl
    from tenpapers.sandbox import KERNEL_BARRIERS, summary_line

    from ..solvers.solve import read_plans, solve_plans, summary

    plans = read_plans(files, kind)
    if kind == "python":
        require_code_permission(allow_code)
    barriers = (*KERNEL_BARRIERS, *(("weak",) if weak_sandbox else ()))
    told: dict[str, Any] = {}
    rows = solve_plans(plans, kind, domain=domain, timeout=timeout, barriers=barriers, told=told)
    file = out / "solved.jsonl"
    with Journal.once(file, command="tocot solve", inputs=files) as journal:
        write_jsonl(journal.file(file.name), rows)
    lines = [f"{len(rows)} plans: {summary(rows)}", *([summary_line(told)] if told else [])]
    say(rows, as_json, *lines, f"-> {file}")


@app.command()
def meta(
    results: Annotated[list[Path], typer.Argument(help="Result CSVs: the sheet's, or ours.")],
    out: OutDir,
    categories: Annotated[
        Path | None, typer.Option("--categories", help="CSV: category of each data set.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The meta-analysis of reported numbers: meta.csv, meta.png, outliers.csv.

    Example: tocot meta iclr.csv acl.csv --categories categories.csv --out runs/meta
    """
    from tenpapers.journal import Journal

    from ..literature import meta_analyse, read_categories, read_results
    from ..study.literature_report import write_literature

    known = read_categories(categories) if categories else None
    found = meta_analyse(read_results(results), known)
    inputs = [*results, categories]
    with Journal.once(out / "meta.csv", command="tocot meta", inputs=inputs) as journal:
        values, parts = write_literature(journal, found)
    say(values, as_json, *parts, f"-> {out / 'meta.csv'}")
