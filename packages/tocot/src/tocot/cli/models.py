"""Commands that run a model: build (without one), run, plan, variants."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Cache, Json, Model, OutDir, OutFile

from ..options import AllowCode, Tasks, names, say, stop_on_errors

Count = Annotated[int | None, typer.Option("-n", "--n", "--limit", help="Items a task.", min=1)]
Data = Annotated[
    Path | None, typer.Option("--data", help="JSONL of the task's rows or of TaskItems.")
]
StyleName = Annotated[str, typer.Option("--style", help="unified, prefill or chat_only.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the order of the items.")]
Prompts = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]
Demos = Annotated[
    Path | None,
    typer.Option("--demos", help="TaskItems as demonstrations; `meta.rationale` for CoT."),
]
Settings = Annotated[str, typer.Option("--settings", "--setting", help="With commas between them.")]
SmallWindow = Annotated[
    bool,
    typer.Option("--small-window", help="Budgets and demonstrations for 4,096 tokens of context."),
]
Budgets = Annotated[
    str | None, typer.Option("--budgets", help="New tokens: direct,CoT [the task's].")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command()
    def build(
        out: OutFile,
        tasks: Tasks = None,
        settings: Settings = "zs_direct,zs_cot",
        n: Count = None,
        data: Data = None,
        demos: Demos = None,
        style: StyleName = "unified",
        small_window: SmallWindow = False,
        prompts: Prompts = None,
        seed: Seed = 0,
        as_json: Json = False,
    ) -> None:
        """Render the prompts of tasks without any model.

        Example: tocot build --task csqa --setting zs_direct,zs_cot -n 200 --out prompts.jsonl
        """
        from tenpapers.records import write_jsonl

        from ..answering.run import plan_jobs
        from ..inputs.demonstrations import task_items

        rows: list[dict[str, Any]] = []
        for name in _tasks(tasks):
            items, shown = task_items(name, data, n, seed, names(settings), demos)
            for job in plan_jobs(
                items,
                names(settings),
                style=_style(style),
                demos=shown,
                folder=prompts,
                small_window=small_window,
            ):
                prompt = job.prompt
                rows.append(
                    {
                        "id": job.item.id,
                        "task": name,
                        "setting": job.setting,
                        "messages": [one.model_dump() for one in prompt.messages],
                        "prefill": prompt.prefill,
                        "max_new_tokens": prompt.max_new_tokens,
                        "stop": list(prompt.stop),
                    }
                )
        write_jsonl(out, rows)
        say({"prompts": len(rows)}, as_json, f"{len(rows)} prompts\n-> {out}")

    @app.command()
    def run(
        out: OutDir,
        model: Model = "smollm2",
        tasks: Tasks = None,
        settings: Settings = "zs_direct,zs_cot",
        n: Count = None,
        data: Data = None,
        demos: Demos = None,
        style: StyleName = "unified",
        budgets: Budgets = None,
        small_window: SmallWindow = False,
        da_mode: Annotated[
            str, typer.Option("--da-mode", help="generate, or logprob of the labels.")
        ] = "generate",
        judge: Annotated[
            str | None, typer.Option("--judge", help="Model spec: short answers, free replies.")
        ] = None,
        prompts: Prompts = None,
        seed: Seed = 0,
        cache: Cache = True,
        overwrite: Annotated[bool, typer.Option("--overwrite", help="Ask anew.")] = False,
        as_json: Json = False,
    ) -> None:
        """Generate and grade; a killed run goes on. Writes DIR/outputs/<task>.jsonl.

        Example: tocot run --model vllm:Qwen/Qwen2-7B-Instruct --tasks csqa,gsm8k --out runs/qwen
        """
        from tenpapers.errors import UserError
        from tenpapers.generation import open_generator

        from ..answering.judge import model_judge
        from ..answering.label_likelihood import run_logprob
        from ..answering.run import run as run_task
        from ..inputs.demonstrations import task_items
        from ..scoring.cell_numbers import results
        from ..scoring.pairs import cells
        from ..scoring.score_responses import score_output
        from ..study.tables import cell_table, setting_table

        if da_mode not in ("generate", "logprob"):
            raise UserError(f"--da-mode {da_mode}: unknown", "generate or logprob")
        rows = []
        with open_generator(model, cache=cache) as engine:
            grader = None
            if judge is not None:
                grader = model_judge(engine if judge == model else open_generator(judge))
            for name in _tasks(tasks):
                file = out / "outputs" / f"{name}.jsonl"
                if overwrite:
                    file.unlink(missing_ok=True)
                items, shown = task_items(name, data, n, seed, names(settings), demos)
                scored = [
                    one
                    for one in names(settings)
                    if da_mode == "logprob" and one.endswith("direct")
                ]
                if scored:
                    run_logprob(
                        engine,
                        items,
                        scored,
                        file,
                        demos=shown,
                        folder=prompts,
                        small_window=small_window,
                    )
                asked = [one for one in names(settings) if one not in scored]
                found = run_task(
                    engine,
                    items,
                    asked,
                    file,
                    style=_style(style),
                    demos=shown,
                    folder=prompts,
                    budgets=_budgets(budgets),
                    small_window=small_window,
                    judge=grader,
                )
                rows += [score_output(one, {}) for one in found]
        table = cells(rows)
        paired = all(cell.direct for cell in table)
        shown_table = cell_table(table, "wrong") if paired else setting_table(rows)
        say(results(table), as_json, shown_table, f"-> {out / 'outputs'}")
        stop_on_errors(sum(one.errored for one in rows), len(rows))

    @app.command()
    def plan(
        out: OutDir,
        model: Model = "smollm2",
        task: Annotated[
            str, typer.Option("--task", help="gsm8k, gsm8k_hard, contexthub_..., folio.")
        ] = "gsm8k",
        settings: Settings = "da,cot,plan_direct,plan_cot,plan_tool",
        n: Count = None,
        data: Data = None,
        demos: Demos = None,
        few_shot: Annotated[
            bool, typer.Option("--few-shot/--zero-shot", help="Form of da and cot.")
        ] = True,
        budget: Annotated[
            int, typer.Option("--budget", help="New tokens of a plan.", min=8)
        ] = 2048,
        budgets: Budgets = None,
        domain: Annotated[str, typer.Option("--domain", help="folio: open or closed.")] = "open",
        prompts: Prompts = None,
        seed: Seed = 0,
        cache: Cache = True,
        allow_code: AllowCode = False,
        as_json: Json = False,
    ) -> None:
        """Planning against execution: the same plan, executed by the model or by a solver.

        Example: tocot plan --model vllm:meta-llama/Llama-3.1-8B-Instruct --task gsm8k --allow-code
        --out runs/plan
        """
        from tenpapers.cli import require_code_permission
        from tenpapers.errors import UserError
        from tenpapers.generation import open_generator

        from ..inputs.demonstrations import task_items
        from ..solvers.plan_study import plan_kind, plan_study, plan_table
        from ..study.tables import mapping_table

        if domain not in ("open", "closed"):
            raise UserError(f"--domain {domain}: unknown", "open or closed")
        wanted = names(settings)
        if plan_kind(task) == "python" and "plan_tool" in wanted:
            require_code_permission(allow_code)
        forms = ["fs_cot"] if few_shot and {"da", "cot"} & set(wanted) else []
        items, shown = task_items(task, data, n, seed, forms, demos)
        with open_generator(model, cache=cache) as engine:
            found = plan_study(
                engine,
                items,
                wanted,
                out / "outputs" / f"{task}.jsonl",
                demos=shown,
                folder=prompts,
                budget=budget,
                budgets=_budgets(budgets),
                domain=domain,  # type: ignore[arg-type]
            )
        rows = plan_table(found)
        note = "Unparseable answers are wrong for numbers and count 1/3 for logic."
        say(
            rows,
            as_json,
            mapping_table(rows, "Planning and execution", note),
            f"-> {out / 'outputs'}",
        )
        stop_on_errors(sum(one.errored for one in found), len(found))

    @app.command()
    def variants(
        out: OutDir,
        model: Model = "smollm2",
        tasks: Tasks = None,
        n: Count = None,
        data: Data = None,
        budgets: Budgets = None,
        prompts: Prompts = None,
        seed: Seed = 0,
        cache: Cache = True,
        as_json: Json = False,
    ) -> None:
        """Four wordings of the zero-shot cue on each task, and their spread.

        Example: tocot variants --model smollm2 --tasks csqa,gsm8k -n 50 --out runs/variants
        """
        from tenpapers.generation import open_generator

        from ..answering.cue_wordings import TASKS, variants_table
        from ..answering.prompts import VARIANTS
        from ..answering.run import run as run_task
        from ..inputs.demonstrations import task_items
        from ..study.tables import mapping_table

        outputs: dict[str, dict[str, Any]] = {}
        with open_generator(model, cache=cache) as engine:
            for name in names(tasks) or TASKS:
                items, _ = task_items(name, data, n, seed, [])
                outputs[name] = {
                    variant: run_task(
                        engine,
                        items,
                        ["zs_cot"],
                        out / variant / f"{name}.jsonl",
                        variant=variant,
                        folder=prompts,
                        budgets=_budgets(budgets),
                    )
                    for variant in VARIANTS
                }
        rows = variants_table(outputs)
        say(rows, as_json, mapping_table(rows, "Wordings of the cue"), f"-> {out}")
        every = [one for by_name in outputs.values() for some in by_name.values() for one in some]
        stop_on_errors(sum(one.errored for one in every), len(every))

    @app.command()
    def reproduce(
        out: OutDir,
        scale: Annotated[str, typer.Option("--scale", help="cpu or paper.")] = "cpu",
        config: Annotated[
            Path | None, typer.Option("--config", help="YAML of the study; replaces the scale's.")
        ] = None,
        model: Annotated[str | None, typer.Option("--model", help="Of the live part.")] = None,
        seed: Annotated[int | None, typer.Option("--seed", help="[0]")] = None,
        limit: Annotated[int | None, typer.Option("--limit", help="Live items a task.")] = None,
        time_budget: Annotated[
            str | None, typer.Option("--time-budget", help="Of the live part, e.g. 200s.")
        ] = None,
        overwrite: Annotated[
            bool, typer.Option("--overwrite", help="Discard what an earlier run left in --out.")
        ] = False,
    ) -> None:
        """Run the study: recorded pairs, literature, solvers, a live model; report and figures.

        Example: tocot reproduce --scale cpu --out runs/tocot-cpu
        """
        from ..study.reproduce import reproduce as run_study
        from ..study.settings import seconds

        run_study(
            out,
            scale=scale,
            config=config,
            model=model,
            seed=seed,
            limit=limit,
            time_budget=seconds(time_budget),
            overwrite=overwrite,
        )


def _tasks(text: str | None) -> list[str]:
    from tenpapers.errors import UserError

    chosen = names(text)
    if not chosen:
        raise UserError("which tasks?", "--tasks csqa,gsm8k; `tocot tasks` lists them")
    return chosen


def _budgets(text: str | None) -> tuple[int, int] | None:
    from tenpapers.errors import UserError

    if text is None:
        return None
    try:
        direct, cot = (int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--budgets {text}: not two whole numbers", "e.g. 16,96") from None
    return direct, cot


def _style(text: str) -> Any:
    from tenpapers.errors import UserError

    from ..answering.prompts import STYLES

    if text not in STYLES:
        raise UserError(f"--style {text}: unknown", ", ".join(STYLES))
    return text
