"""Commands about heads: detect, needle in a haystack, compare, correlate, Wu et al.'s files."""

import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from tenpapers.cli import Json, OutFile, Overwrite, Wait, say
from tenpapers.journal import Journal
from tenpapers.settings import options

from ..heads.settings import CompareSettings, DetectSettings, NeedleSettings, SetRule
from ..training.settings import ExtendedModelSettings

app = typer.Typer()

Data = Annotated[Path, typer.Option("--data", help="Dataset file (JSONL).")]
ScoreFile = Annotated[Path, typer.Argument(help="Head-score file.")]


def undefined(message: str) -> NoReturn:
    """End with exit code 3: the run is done and its result is undefined."""
    print(f"undefined: {message}", file=sys.stderr)
    raise typer.Exit(3)


@app.command()
@options(DetectSettings)
def detect(
    data: Data,
    out: OutFile,
    settings: DetectSettings,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Score every head of a model on a dataset; writes the head-score file and its .npz.

    Example: retrievalheads detect --model smollm2 --data data/dev.jsonl --out scores.json
    """
    from ..heads.detect import NothingToScoreError
    from ..heads.write_scores import detect_into
    from ..records import without_nan
    from ..study.tables import heads_text

    key = settings.key("detect")
    try:
        with Journal.of_file(
            out, key=key, inputs=[data], overwrite=overwrite, wait=wait
        ) as journal:
            scores = detect_into(journal, out, data, settings)
    except NothingToScoreError as error:
        undefined(str(error))
    values = {
        "n_used": len(scores.ids),
        "n_skipped": scores.skipped,
        "split_half_recall": scores.split_half_recall(),
    }
    say(without_nan(values), as_json, f"{heads_text(scores)}\n-> {out}")


@app.command()
@options(NeedleSettings)
def niah(
    out: OutFile,
    settings: NeedleSettings,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Needle in a haystack by Wu et al.'s protocol; exit code 3 if no trial succeeds.

    Example: retrievalheads niah --model smollm2 --lengths 512,1024 --depths 5 --out niah.json
    """
    from ..heads.detect import NothingToScoreError
    from ..heads.write_scores import needles_into
    from ..study.tables import heads_text

    key, inputs = settings.key("niah"), [settings.haystack, settings.needles]
    try:
        with Journal.of_file(
            out, key=key, inputs=inputs, overwrite=overwrite, wait=wait
        ) as journal:
            scores = needles_into(journal, out, settings)
    except NothingToScoreError as error:
        undefined(str(error))
    values = {name: scores.options[name] for name in ("success_rate", "best_rouge", "tokens")}
    trials = len(scores.ids) + sum(scores.skipped.values())
    text = (
        f"{heads_text(scores)}\nsuccess rate {values['success_rate']:.2f} of {trials} trials, "
        f"{values['tokens']} tokens run\n-> {out}"
    )
    say(values, as_json, text)


@app.command()
@options(CompareSettings)
def compare(
    ref: Annotated[Path, typer.Option("--ref", help="Head-score file of the reference.")],
    other: Annotated[Path, typer.Option("--other", help="Head-score file to compare.")],
    settings: CompareSettings,
    as_json: Json = False,
) -> None:
    """Overlap of two checkpoints' heads: counts, recall, precision, Jaccard, cosine, Spearman.

    Example: retrievalheads compare --ref real.json --other hh.json --threshold 0.1
    """
    from ..heads.overlap import compare_paths
    from ..records import without_nan
    from ..study.tables import comparison_text

    found, undefined_because = compare_paths(ref, other, settings)
    say(without_nan(found), as_json, comparison_text(found))
    if undefined_because:
        undefined(undefined_because)


@app.command()
def correlate(
    runs: Annotated[Path, typer.Option("--runs", help="JSONL, one line a run.")],
    x: Annotated[str, typer.Option("--x", help="recall, cosine, jaccard or count.")] = "recall",
    y: Annotated[str, typer.Option("--y", help="Score of a run.")] = "f1",
    out: Annotated[Path | None, typer.Option("--out", help="PNG of the scatter.")] = None,
    as_json: Json = False,
) -> None:
    """Rank correlation over runs: rho, exact p, bootstrap over test examples, leave-one-out.

    Runs of several tasks, models, sizes or seeds are ranked within each, and p permutes within.
    Each line: {"name", "task", "model", "n_train", "seed", x.., y.., "per_example": [y of each]}.
    Example: retrievalheads correlate --runs runs.jsonl --x recall --y f1 --out scatter.png
    """
    from ..records import without_nan
    from ..study.study_report import correlate_file

    if out is None:
        found = correlate_file(runs, x, y, None)
    else:
        with Journal.once(out, command="retrievalheads correlate", inputs=[runs]) as journal:
            found = correlate_file(runs, x, y, journal.file(out.name))
    say(without_nan(found), as_json, found["text"])
    if found["rho"] != found["rho"]:
        undefined(f"{runs}: {x} or {y} is constant, or fewer than two runs have both")


@app.command()
@options(SetRule)
def similarity(
    files: Annotated[list[Path], typer.Argument(help="Head-score files, any tasks and probes.")],
    settings: SetRule,
    out: Annotated[Path | None, typer.Option("--out", help="PNG of the cosines.")] = None,
    as_json: Json = False,
) -> None:
    """Matrix of cosines and overlaps between many score files (adapters, tasks, probes).

    Example: retrievalheads similarity runs/*/heads.json --out matrix.png
    """
    from ..heads.overlap import similarity_of_paths
    from ..records import without_nan
    from ..study.figures import matrix_figure
    from ..study.tables import similarity_table

    rows = similarity_of_paths(files, settings)
    text = similarity_table(rows).text()
    if out is not None:
        with Journal.once(out, command="retrievalheads similarity", inputs=files) as journal:
            matrix_figure([str(file) for file in files], rows, journal.file(out.name))
        text += f"\n-> {out}"
    say(without_nan(rows), as_json, text)


@app.command("import-wu")
def import_wu(
    file: Annotated[Path, typer.Argument(help='"layer-head" lists of scores; may be .gz.')],
    out: OutFile,
    trials: Annotated[
        Literal["all", "even", "odd"], typer.Option("--trials", help="Which trials count.")
    ] = "all",
    model: Annotated[str | None, typer.Option("--model", help="Name for the file.")] = None,
    as_json: Json = False,
) -> None:
    """Read Wu et al.'s published head scores.

    Example: retrievalheads import-wu head_scores_Yi-6B-200K.json.gz --out yi.json
    """
    from ..heads.score_files import import_wu as read
    from ..heads.score_files import over_one
    from ..heads.write_scores import announce
    from ..study.tables import heads_text

    scores = read(file, trials=trials, model=model)
    with Journal.once(out, command="retrievalheads import-wu", inputs=[file]) as journal:
        announce(journal, out.name)
        scores.save(out)
    above = over_one(scores)
    note = f"\n{above} scores of single trials are above 1" if above else ""
    values = {"n_used": len(scores.per_example), "over_one": above}
    say(values, as_json, f"{heads_text(scores)}{note}\n-> {out}")


@app.command("export-wu")
def export_wu(scores: ScoreFile, out: OutFile) -> None:
    """Write Wu et al.'s form.

    Example: retrievalheads export-wu scores.json --out head_score.json
    """
    from ..heads.score_files import HeadScores
    from ..heads.score_files import export_wu as write

    found = HeadScores.load(scores)
    with Journal.once(out, command="retrievalheads export-wu", inputs=[scores]) as journal:
        write(found, journal.file(out.name))
    print(f"-> {out}")


@app.command("attention-map")
@options(ExtendedModelSettings)
def attention_map(
    data: Data,
    out: OutFile,
    heads: Annotated[str, typer.Option("--heads", help="e.g. 18-6,23-2.")],
    settings: ExtendedModelSettings,
    index: Annotated[int, typer.Option("--index", help="Which example, from 0.", min=0)] = 0,
) -> None:
    """Picture of where the answer's rows attend in the context, for some heads.

    Example: retrievalheads attention-map --data dev.jsonl --heads 18-6,23-2 --out map.png
    """
    from ..heads.write_scores import map_into

    with Journal.once(out, command="retrievalheads attention-map", inputs=[data]) as journal:
        map_into(journal.file(out.name), data, settings, heads, index)
    print(f"-> {out}")


@app.command("heat-map")
def heat_map(scores: ScoreFile, out: OutFile) -> None:
    """Picture of all heads' scores, layers by heads.

    Example: retrievalheads heat-map scores.json --out heads.png
    """
    from ..heads.score_files import HeadScores
    from ..study.figures import heat_map as draw

    found = HeadScores.load(scores)
    with Journal.once(out, command="retrievalheads heat-map", inputs=[scores]) as journal:
        draw(found, journal.file(out.name))
    print(f"-> {out}")
