"""Commands without responses: solve, meta, tasks."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Json, OutDir

from ..options import AllowCode, say


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command()
    def tasks(as_json: Json = False) -> None:
        """The tasks: group, category, kind of answers, budgets, demonstrations.

        Example: tocot tasks
        """
        from tenpapers.report import Table

        from ..inputs.task_registry import registry

        known = list(registry().values())
        rows: list[list[Any]] = [
            [
                one.name,
                one.group,
                one.category,
                one.kind,
                one.style,
                *one.budget,
                one.shots,
                one.hub or "-",
            ]
            for one in known
        ]
        columns = ["task", "group", "category", "answers", "style", "direct", "CoT", "shots", "hub"]
        say([one.model_dump() for one in known], as_json, Table("Tasks", columns, rows))

    @app.command()
    def solve(
        files: Annotated[
            list[Path], typer.Argument(help="JSONL of {id, plan}, or files with one plan each.")
        ],
        out: OutDir,
        kind: Annotated[str, typer.Option("--kind", help="python, bool or fol.")],
        domain: Annotated[
            str, typer.Option("--domain", help="fol: open, or closed (the named things alone).")
        ] = "open",
        timeout: Annotated[
            float, typer.Option("--timeout", help="Seconds of a Python plan.")
        ] = 1.0,
        allow_code: AllowCode = False,
        as_json: Json = False,
    ) -> None:
        """Run the tool solver on plans alone: Python in the sandbox, logic through Z3.

        Example: tocot solve plans.jsonl --kind python --allow-code --out runs/solved
        """
        from tenpapers.records import write_jsonl

        from ..solvers.solve import read_plans, solve_plans, summary

        plans = read_plans(files, kind)
        if kind == "python":
            from tenpapers.cli import require_code_permission

            require_code_permission(allow_code)
        rows = solve_plans(plans, kind, domain=domain, timeout=timeout)
        write_jsonl(out / "solved.jsonl", rows)
        say(rows, as_json, f"{len(rows)} plans: {summary(rows)}\n-> {out / 'solved.jsonl'}")

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
        from tenpapers.records import write_json

        from ..literature import meta_analyse, read_categories, read_results
        from ..study.figures import meta_figure
        from ..study.tables import frame_table

        found = meta_analyse(
            read_results(results), read_categories(categories) if categories else None
        )
        out.mkdir(parents=True, exist_ok=True)
        found.categories.to_csv(out / "meta.csv", index=False)
        found.cells.to_csv(out / "cells.csv", index=False)
        found.outliers.to_csv(out / "outliers.csv", index=False)
        values = {
            "rows": len(found.rows),
            "cells": len(found.cells),
            "mean_rows": found.mean_rows,
            "mean_cells": found.mean_cells,
            "top": found.top,
            "notes": found.notes,
        }
        write_json(out / "results.json", values)
        meta_figure(out / "meta.png", found)
        table = frame_table(found.categories, "Gain by category (points)")
        outliers = frame_table(
            found.outliers[["paper_id", "category", "delta", "rows"]], "Outliers", limit=10
        )
        text = (
            f"{len(found.rows)} comparisons in {len(found.cells)} cells; mean gain of the rows "
            f"{found.mean_rows:+.2f}, of the cells {found.mean_cells:+.2f}"
        )
        notes = "\n".join(f"note: {line}" for line in found.notes)
        say(values, as_json, table, outliers, text, notes, f"-> {out / 'meta.csv'}")
