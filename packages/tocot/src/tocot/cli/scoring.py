"""Commands on recorded responses: score, report, significance, equals, import-taur, advise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Json, OutDir
from tenpapers.report import Table

from ..options import (
    Grading,
    Group,
    Items,
    Policy,
    Responses,
    TextMatch,
    names,
    say,
    stop_on_errors,
)

Seed = Annotated[int, typer.Option("--seed", help="Seed of the resampling.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command()
    def score(
        files: Responses,
        out: OutDir,
        unparseable: Policy = "wrong",
        grading: Grading = "ours",
        items: Items = None,
        text_match: TextMatch = "equal",
        math_verify: Annotated[
            bool, typer.Option("--math-verify", help="Let that library judge math answers.")
        ] = False,
        as_json: Json = False,
    ) -> None:
        """Extract and grade responses that somebody generated; no model is needed.

        Example: tocot score outputs/*.jsonl --unparseable guess --out runs/mine
        """
        from tenpapers.records import write_json, write_jsonl

        from ..scoring.cell_numbers import results, warnings
        from ..scoring.pairs import cells
        from ..study.tables import cell_table

        rows = graded(files, grading, items, text_match, math_verify)
        found = cells(rows)
        policy = _policy(unparseable)
        write_jsonl(out / "graded.jsonl", rows)
        write_json(out / "results.json", results(found, policy))
        notes = "\n".join(f"note: {line}" for line in warnings(found))
        say(
            results(found, policy),
            as_json,
            cell_table(found, policy),
            notes,
            f"-> {out / 'results.json'}",
        )
        failed = sum(cell.errored for cell in found)
        stop_on_errors(failed, failed + sum(len(cell.direct) for cell in found))

    @app.command()
    def report(
        folders: Responses,
        out: OutDir,
        group: Group = "five",
        unparseable: Policy = "wrong",
        grading: Grading = "ours",
        parts: Annotated[
            str, typer.Option("--parts", help="LSAT, MuSR, ContextHub: merged or separate.")
        ] = "merged",
        literature: Annotated[
            Path | None, typer.Option("--literature", help="CSV for the left panel of fig1.png.")
        ] = None,
        items: Items = None,
        seed: Seed = 0,
        as_json: Json = False,
    ) -> None:
        """Group table, deltas, unparseable rates, answer positions, tokens; and the figures.

        Example: tocot report runs/outputs --group five --out runs/report
        """
        from ..scoring.cell_numbers import merged_parts
        from ..scoring.pairs import cells
        from ..study.results_report import write_results

        found = cells(graded(folders, grading, items))
        if parts == "merged":
            found = merged_parts(found)
        body, values = write_results(
            out,
            found,
            by=group,
            policy=_policy(unparseable),
            literature=literature,
            seed=seed,  # type: ignore[arg-type]
        )
        shown = [part for part in body if not hasattr(part, "path")]
        say(values, as_json, *shown, f"-> {out / 'report.md'}")  # type: ignore[arg-type]

    @app.command()
    def significance(
        folders: Responses,
        out: OutDir,
        test: Annotated[
            str, typer.Option("--test", help="bootstrap (McNemar stands beside).")
        ] = "bootstrap",
        family: Annotated[
            str, typer.Option("--family", help="Groups: commonsense,knowledge,soft,...; all.")
        ] = "",
        correction: Annotated[
            str, typer.Option("--correction", help="bonferroni or none.")
        ] = "bonferroni",
        alpha: Annotated[float, typer.Option("--alpha", help="Family-wise level.")] = 0.05,
        resamples: Annotated[int, typer.Option("--resamples", min=1)] = 1_000_000,
        unparseable: Policy = "wrong",
        grading: Grading = "ours",
        items: Items = None,
        seed: Seed = 0,
        as_json: Json = False,
    ) -> None:
        """Paired tests of chain of thought against direct answers; writes significance.csv.

        Example: tocot significance runs/outputs --family commonsense,knowledge,soft --out runs/p
        """
        from tenpapers.errors import UserError
        from tenpapers.records import write_text

        from ..scoring.cell_tests import cell_tests, verdict
        from ..scoring.cell_tests import family as chosen
        from ..scoring.pairs import cells
        from ..study.tables import mapping_table

        if test != "bootstrap" or correction not in ("bonferroni", "none"):
            raise UserError("--test bootstrap, --correction bonferroni or none")
        found = chosen(cells(graded(folders, grading, items)), names(family))
        rows = cell_tests(
            found,
            policy=_policy(unparseable),
            alpha=alpha,
            correction=correction,  # type: ignore[arg-type]
            resamples=resamples,
            seed=seed,
        )
        table = mapping_table(rows, "Paired tests", verdict(rows))
        write_text(out / "significance.csv", table.csv())
        say(rows, as_json, table, f"-> {out / 'significance.csv'}")

    @app.command()
    def equals(
        folders: Responses,
        out: OutDir,
        scope: Annotated[
            str, typer.Option("--scope", help="both, question, response or paper-code.")
        ] = "both",
        include_choices: Annotated[
            bool, typer.Option("--include-choices", help="Look into the options too.")
        ] = False,
        classifier: Annotated[
            bool,
            typer.Option("--classifier", help="Also tf-idf against the sign: where CoT helps."),
        ] = False,
        grading: Grading = "ours",
        items: Items = None,
        as_json: Json = False,
    ) -> None:
        """How much of the gain comes from items with an equals sign; equals.csv and equals.png.

        Example: tocot equals runs/outputs --scope both --out runs/equals
        """
        from tenpapers.errors import UserError
        from tenpapers.records import write_text

        from ..scoring.equals_sign import SCOPES, equals_pairs, equals_split, pooled
        from ..scoring.pairs import cells
        from ..study.figures import equals_figure
        from ..study.tables import mapping_table

        if scope not in SCOPES:
            raise UserError(f"--scope {scope}: unknown", ", ".join(SCOPES))
        found = cells(graded(folders, grading, items))
        split = {
            cell.name: equals_split(
                equals_pairs(cell.direct, cell.cot, scope, include_choices=include_choices)
            )  # type: ignore[arg-type]
            for cell in found
        }
        for source in dict.fromkeys(cell.source for cell in found):
            own = [split[cell.name] for cell in found if cell.source == source]
            split[f"{source}/all"] = pooled(own)
        rows = [{"task": name, **one.as_json()} for name, one in split.items()]
        table = mapping_table(rows, f"Gain with and without an equals sign ({scope})")
        write_text(out / "equals.csv", table.csv())
        equals_figure(out / "equals.png", split)
        more = subjects_and_texts(found, folders, classifier)
        say(rows, as_json, table, *more, f"-> {out / 'equals.csv'}")

    @app.command("import-taur")
    def import_taur(
        path: Annotated[Path, typer.Argument(help="Rows of a TAUR-Lab data set (parquet, JSONL).")],
        out: OutDir,
        task: Annotated[str, typer.Option("--task", help="Task id, the name of its config.")],
        model: Annotated[str, typer.Option("--model", help="Name of the model.")] = "",
        as_json: Json = False,
    ) -> None:
        """Turn the paper's public rows into outputs, and grade them anew.

        Example: tocot import-taur csqa.parquet --task csqa --model llama-3.1-8b --out runs/taur
        """
        from tenpapers.records import write_jsonl

        from ..scoring.published_outputs import import_rows

        outputs, counts = import_rows(path, task, model)
        count = write_jsonl(out / f"{task}.jsonl", outputs)
        say(counts, as_json, f"{count} outputs; {counts}\n-> {out / f'{task}.jsonl'}")

    @app.command()
    def advise(
        folders: Responses,
        out: OutDir,
        grading: Grading = "ours",
        items: Items = None,
        alpha: Annotated[float, typer.Option("--alpha", help="Level of the tests.")] = 0.05,
        seed: Seed = 0,
        as_json: Json = False,
    ) -> None:
        """Where chain of thought pays: delta, p, tokens a point, and what to do for each task.

        Example: tocot advise runs/outputs --out runs/advice
        """
        from tenpapers.records import write_text

        from ..scoring.advice import advise_cells
        from ..scoring.pairs import cells
        from ..study.tables import mapping_table

        rows = advise_cells(cells(graded(folders, grading, items)), alpha=alpha, seed=seed)
        table = mapping_table(rows, "Advice")
        write_text(out / "advice.csv", table.csv())
        say(rows, as_json, table, f"-> {out / 'advice.csv'}")


def subjects_and_texts(
    found: Sequence[Any], paths: Sequence[Path], classifier: bool
) -> list[Table]:
    """Tables beside the split: subjects by error reduction, and the text classifier.

    Raises
    ------
    UserError : too few items for the classifier.
    """
    from ..records import jsonl_files
    from ..scoring.equals_sign import subject_table, text_classifier
    from ..scoring.score_responses import cot_texts
    from ..study.tables import mapping_table

    pairs = [(a, b) for cell in found for a, b in zip(cell.direct, cell.cot, strict=True)]
    tables = []
    subjects = [(a.subject, float(a.correct), float(b.correct)) for a, b in pairs if a.subject]
    if rows := subject_table(subjects):
        tables.append(mapping_table(rows[:10], "Subjects by error reduction"))
    if classifier:
        texts: dict[Any, str] = {}
        for path in paths:
            folder = path / "outputs" if (path / "outputs").is_dir() else path
            for file in jsonl_files([folder]):
                texts |= cot_texts(file)
        known = [(a, b) for a, b in pairs if (b.source, b.task, b.id) in texts]
        scores = text_classifier(
            [texts[b.source, b.task, b.id] for _, b in known],
            [b.eq_question or b.eq_response for _, b in known],
            [bool(b.correct and not a.correct) for a, b in known],
        )
        rows = [{"features": name, **one} for name, one in scores.items()]
        tables.append(mapping_table(rows, "Telling where CoT alone is right (cross-validated)"))
    return tables


def graded(
    paths: Sequence[Path],
    grading: str = "ours",
    items: Path | None = None,
    text_match: str = "equal",
    math_verify: bool = False,
) -> list[Any]:
    """Graded rows of files and folders; a folder that `score` wrote gives its own.

    Raises
    ------
    UserError : unknown grading or match; what the files raise.
    """
    from tenpapers.errors import UserError

    from ..records import Graded, TaskItem, jsonl_files, read_rows
    from ..scoring.score_responses import score_file

    if grading not in ("ours", "logged"):
        raise UserError(f"--grading {grading}: unknown", "ours or logged")
    if text_match not in ("equal", "substring"):
        raise UserError(f"--text-match {text_match}: unknown", "equal or substring")
    known = {}
    if items is not None:
        known = {(one.task, one.id): one for one in read_rows(items, TaskItem)}
    rows: list[Any] = []
    for path in paths:
        if path.is_dir() and (path / "graded.jsonl").exists():
            rows += read_rows(path / "graded.jsonl", Graded)
            continue
        folder = path / "outputs" if (path / "outputs").is_dir() else path
        for file in jsonl_files([folder]):
            rows += score_file(
                file,
                grading=grading,
                items=known,
                text_match=text_match,  # type: ignore[arg-type]
                math_verify=math_verify,
            )
    return rows


def _policy(text: str) -> Any:
    from tenpapers.errors import UserError

    from ..scoring.pairs import POLICIES

    if text not in POLICIES:
        raise UserError(f"--unparseable {text}: unknown", ", ".join(POLICIES))
    return text
