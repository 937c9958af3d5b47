"""Commands that run a model: build (without one), run, plan, variants, reproduce."""

import typer
from tenpapers.cli import (
    AllowCode,
    Json,
    OutDir,
    OutFile,
    Overwrite,
    Scale,
    Wait,
    say,
    stop_on_failures,
)
from tenpapers.settings import options

from ..answering.settings import PromptSettings, RunSettings, WordingSettings
from ..solvers.settings import PlanSettings
from ..study.settings import StudySettings

app = typer.Typer()


@app.command()
@options(PromptSettings)
def build(settings: PromptSettings, out: OutFile, as_json: Json = False) -> None:
    """Render the prompts of tasks without any model.

    Example: tocot build --task csqa --setting zs_direct,zs_cot -n 200 --out prompts.jsonl
    """
    from tenpapers.journal import Journal, files_of
    from tenpapers.records import write_jsonl

    from ..answering.run_tasks import prompts_of

    prompts = prompts_of(settings)
    with Journal.once(out, command="tocot build", inputs=files_of(settings)) as journal:
        count = write_jsonl(journal.file(out.name), prompts)
    say({"prompts": count}, as_json, f"{count} prompts\n-> {out}")


@app.command()
@options(RunSettings)
def run(
    settings: RunSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Generate and grade; a killed run goes on. Writes DIR/outputs/<task>.jsonl.

    Example: tocot run --model vllm:Qwen/Qwen2-7B-Instruct --tasks csqa,gsm8k --out runs/qwen
    """
    from ..answering.run_tasks import run_tasks
    from ..scoring.cell_numbers import results
    from ..scoring.pairs import cells
    from ..study.tables import run_table

    rows = run_tasks(settings, out, overwrite=overwrite, wait=wait)
    say(results(cells(rows)), as_json, run_table(rows), f"-> {out / 'outputs'}")
    stop_on_failures(sum(row.errored for row in rows), len(rows))


@app.command()
@options(PlanSettings)
def plan(
    settings: PlanSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    allow_code: AllowCode = False,
    as_json: Json = False,
) -> None:
    """Planning against execution: the same plan, executed by the model or by a solver.

    Example: tocot plan --model vllm:meta-llama/Llama-3.1-8B-Instruct --task gsm8k --allow-code
    --out runs/plan
    """
    from ..solvers.plan_study import plan_table, run_plan_study
    from ..study.tables import plan_settings_table

    outputs = run_plan_study(settings, out, allow_code=allow_code, overwrite=overwrite, wait=wait)
    rows = plan_table(outputs)
    say(rows, as_json, plan_settings_table(rows), f"-> {out / 'outputs'}")
    stop_on_failures(sum(output.errored for output in outputs), len(outputs))


@app.command()
@options(WordingSettings)
def variants(
    settings: WordingSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Four wordings of the zero-shot cue on each task, and their spread.

    Example: tocot variants --model smollm2 --tasks csqa,gsm8k -n 50 --out runs/variants
    """
    from ..answering.cue_wordings import run_wordings, variants_table
    from ..study.tables import mapping_table

    outputs = run_wordings(settings, out, overwrite=overwrite, wait=wait)
    rows = variants_table(outputs)
    say(rows, as_json, mapping_table(rows, "Wordings of the cue"), f"-> {out}")
    asked = [row for own in outputs.values() for part in own.values() for row in part]
    stop_on_failures(sum(row.errored for row in asked), len(asked))


@app.command()
@options(StudySettings, scales="tocot")
def reproduce(
    settings: StudySettings,
    out: OutDir,
    scale: Scale = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study: recorded pairs, literature, solvers, a live model; report and figures.

    Example: tocot reproduce --scale cpu --out runs/tocot-cpu
    """
    from ..study.reproduce import reproduce as run_study

    run_study(settings, out, scale=scale, overwrite=overwrite, wait=wait)
