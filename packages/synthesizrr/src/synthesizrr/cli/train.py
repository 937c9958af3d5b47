"""Commands that end in a student: train, run, reproduce."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutDir, Seed

from ..options import ConfigFile, Defaults, Overwrite, fresh, say


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command()
    def train(
        synth: Annotated[Path, typer.Argument(metavar="SYNTH", help="Rows to train on.")],
        test: Annotated[Path, typer.Argument(metavar="TEST", help="Gold rows to be graded on.")],
        out: OutDir,
        student: Annotated[
            str,
            typer.Option(
                "--student",
                help="deberta-v3-large, deberta-v3-base, bert, distilbert, distilbert-attrprompt, "
                "minilm, tinybert, probe, hf:ID, probe:ENCODER.",
            ),
        ] = "deberta-v3-large",
        runs: Annotated[int, typer.Option("--runs", help="Seeds.", min=1)] = 5,
        search: Annotated[
            bool, typer.Option("--search", help="Choose rate and batch by validation accuracy.")
        ] = False,
        validation: Annotated[
            Path | None, typer.Option("--validation", help="For --search [20 % of SYNTH].")
        ] = None,
        lr: Annotated[float | None, typer.Option("--lr", help="[the recipe's]")] = None,
        epochs: Annotated[
            int | None, typer.Option("--epochs", help="[the recipe's]", min=1)
        ] = None,
        max_length: Annotated[int | None, typer.Option("--max-length", help="[512]", min=8)] = None,
        n: Annotated[
            int | None, typer.Option("-n", "--limit", help="Train on N rows in TEST's mix.", min=1)
        ] = None,
        seed: Seed = 42,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Train a student on a data set and grade it on real test rows; writes student.json.

        Example: synthesizrr train synthetic.jsonl test.jsonl --student minilm --runs 5
        --out runs/student
        """
        from tenpapers.records import write_json

        from ..filtering.filter import final_sample
        from ..records import Example, Synthetic, TextRow, read_rows
        from ..scoring.label_mix import shares
        from ..students.classifiers import student_spec
        from ..students.train import train_student

        spec = student_spec(student, lr=lr, epochs=epochs, max_length=max_length)
        rows = read_rows(synth, Synthetic)
        gold = read_rows(test, Example)
        if n is not None:
            rows = final_sample(rows, shares([row.label for row in gold]), n, seed=seed)
        held = read_rows(validation, TextRow) if validation else None
        path = fresh(out / "student.json", overwrite)
        found = train_student(
            rows,
            gold,
            spec,
            runs,
            seed=seed,
            validation=held,
            search=search,  # type: ignore[arg-type]
            progress=student,
        )
        write_json(path, found.as_json())
        spread = "" if found.std is None else f" +- {100 * found.std:.1f}"
        say(
            found.as_json(),
            as_json,
            f"{student}: accuracy {100 * found.mean:.1f}{spread} "
            f"({runs} runs), macro-F1 {100 * found.macro_f1:.1f}; {found.n_train} training rows, "
            f"{found.n_test} test rows\n-> {path}",
        )

    @app.command()
    def run(
        out: OutDir,
        config: Annotated[Path, typer.Option("--config", help="YAML of the whole chain.")],
        teacher: Annotated[
            str | None, typer.Option("--teacher", "--model", help="Model spec of the teacher.")
        ] = None,
        seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice.")] = None,
        overwrite: Overwrite = False,
        as_json: Json = False,
    ) -> None:
        """Run the whole chain from one file; every stage's output stays, a killed run goes on.

        Example: synthesizrr run --config mytask_run.yaml --out runs/mytask
        """
        from tenpapers.cli import load_config

        from ..study.chain import RunConfig, run_chain

        settings = load_config(RunConfig, config, teacher=teacher, seed=seed)
        summary, tables = run_chain(settings, out, overwrite=overwrite, beside=config.parent)
        say(summary, as_json, *tables, f"-> {out}")

    @app.command()
    def reproduce(
        out: OutDir,
        scale: Annotated[str, typer.Option("--scale", help="cpu or paper.")] = "cpu",
        config: ConfigFile = None,
        model: Annotated[
            str | None, typer.Option("--model", help="Model spec of the teacher.")
        ] = None,
        seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice.")] = None,
        limit: Limit = None,
        full: Annotated[
            bool, typer.Option("--full", help="Also the ablations: corpus, retriever, filter.")
        ] = False,
        overwrite: Overwrite = False,
    ) -> None:
        """Run the study: FewGen against SynthesizRR on AG News, and real sets side by side.

        Example: synthesizrr reproduce --scale cpu --out runs/synthesizrr-cpu
        """
        from ..study.reproduce import reproduce as run_study

        run_study(
            out,
            scale=scale,
            config=config,
            model=model,
            seed=seed,
            limit=limit,
            full=full,
            overwrite=overwrite,
        )
