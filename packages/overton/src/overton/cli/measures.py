"""Commands on recorded responses and verdicts: diversity, pluralism, coverage, similarity."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Cache, Json, Seed, comma_separated, say
from tenpapers.report import Table

from ..study.settings import Draws, Encoder, KeepFence, TokenizerOption

Samples = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Samples, one file a model (JSONL, .gz).")
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for results.json and table.csv.")]
SemanticEncoder = Annotated[
    str | None,
    typer.Option("--encoder", help="Adds semantic diversity: minilm, or a folder or hub id."),
]

app = typer.Typer()


@app.command()
def diversity(
    files: Samples,
    tokenizer: TokenizerOption = "simple",
    keep_fence: KeepFence = False,
    encoder: SemanticEncoder = None,
    cache: Cache = True,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """How diverse a model's answers to one question are, and how long; one row a model.

    Example: overton diversity base.jsonl aligned.jsonl
    """
    from ..inputs.samples import load_all
    from ..scoring.formats import formats
    from ..scoring.lexical import LENGTHS, jaccard_of_beginnings, lexical_diversity
    from ..scoring.tokens import other_letters, other_letters_note
    from ..study.tables import diversity_table, endings_table, single_note

    models = load_all(files, closing_fence=not keep_fence)
    values = {one.model: lexical_diversity(one, tokenizer) for one in models}
    more: dict[str, dict[str, Any]] = {
        one.model: {
            f"Jaccard, first {length}": jaccard_of_beginnings(one, length) for length in LENGTHS
        }
        | formats(one)
        for one in models
    }
    if encoder:
        from ..embedding.semantic_diversity import semantic_diversity
        from ..embedding.vectors import TextVectors

        vectors = TextVectors(encoder, cache=cache)
        for one in models:
            found = semantic_diversity(one, vectors)["diversity"]
            values[one.model]["semantic_diversity"] = found
    table = diversity_table("Diversity", values, more=more)
    letters = other_letters(models) if tokenizer == "simple" else {}
    for model, count in letters.items():
        values[model]["other_letters"] = count
    notes = single_note(models), endings_table(models), other_letters_note(letters)
    tell("diversity", values, table, files, out, as_json, *notes)


@app.command()
def pluralism(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Stance verdicts, one file a model.")
    ],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Stances of each model: counts, entropy, D (samples say yes and no), O (one says both).

    Example: overton pluralism judgements/base.jsonl judgements/aligned.jsonl
    """
    from ..inputs.judgements import load_judgements
    from ..inputs.samples import distinct_names
    from ..scoring.stance import stance_profile
    from ..scoring.verdicts import stance_labels, unread
    from ..study.tables import stance_table, unread_sentence

    verdicts = {
        name: load_judgements(file, "stance") for name, file in distinct_names(files).items()
    }
    values = {name: stance_profile(stance_labels(found)).row() for name, found in verdicts.items()}
    told = unread_sentence({name: unread(found) for name, found in verdicts.items()})
    pictures = {}
    if out is not None and any(row["n"] for row in values.values()):
        from ..study.figures import stance_figure

        pictures["stances.png"] = lambda file: stance_figure(file, values)
    tell("pluralism", values, stance_table(values), files, out, as_json, told, pictures=pictures)


@app.command()
def coverage(
    aligned: Annotated[Path, typer.Option("--aligned", help="Samples of the aligned model.")],
    base: Annotated[Path, typer.Option("--base", help="Samples of the base model.")],
    tokenizer: TokenizerOption = "simple",
    keep_fence: KeepFence = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """How much of what base samples say together one aligned answer (sample 0) holds.

    Example: overton coverage --aligned aligned.jsonl --base base.jsonl
    """
    from ..inputs.samples import load_samples
    from ..scoring.coverage import covered
    from ..scoring.tokens import other_letters, other_letters_note
    from ..study.tables import coverage_table

    over, under = (load_samples(file, closing_fence=not keep_fence) for file in (aligned, base))
    values = covered(over, under, tokenizer).row()
    pair = {f"{over.model}>{under.model}": values}
    pictures = {}
    if out is not None:
        from ..study.figures import union_figure

        pictures["union_growth.png"] = lambda file: union_figure(file, pair)
    table = coverage_table(pair)
    letters = other_letters([over, under]) if tokenizer == "simple" else {}
    values |= {"other_letters": letters} if letters else {}
    note = other_letters_note(letters)
    tell("coverage", values, table, [aligned, base], out, as_json, note, pictures=pictures)


@app.command()
def similarity(
    files: Samples,
    reference: Annotated[Path, typer.Option("--reference", help="Samples of the aligned model.")],
    metric: Annotated[
        str, typer.Option("--metric", help="Of jaccard, rougeL, cos, bertscore.")
    ] = "jaccard,rougeL",
    encoder: Encoder = "minilm",
    base: Annotated[
        Path | None, typer.Option("--base", help="A base model's samples: where the gap begins.")
    ] = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    keep_fence: KeepFence = False,
    cache: Cache = True,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """How alike responses are to a reference's: mean, best of k, ceiling, gap closed.

    The reference among the alternatives is its own ceiling.

    Example: overton similarity --reference aligned.jsonl aligned.jsonl base.jsonl --metric jaccard
    """
    from ..inputs.samples import load_all, load_samples
    from ..scoring.similarity_report import Comparison, report_frame, values_of
    from ..scoring.tokens import other_letters, other_letters_note
    from ..study.tables import similarity_table

    ref = load_samples(reference, closing_fence=not keep_fence)
    alts = load_all(files, closing_fence=not keep_fence)
    start = load_samples(base, closing_fence=not keep_fence) if base else None
    found = Comparison.of(
        ref, alts, comma_separated(metric), base=start, encoder=encoder, cache=cache
    )
    values = values_of(found)
    letters = {}
    if {"jaccard", "rougeL"} & set(comma_separated(metric)):
        letters = other_letters([ref, *alts, *([start] if start else [])])
    for model in letters.keys() & values.keys():
        values[model]["other_letters"] = letters[model]
    table = similarity_table(report_frame(found, n_boot=draws, seed=seed))
    inputs = [reference, *files, *([base] if base else [])]
    notes = *found.notes, other_letters_note(letters)
    tell("similarity", values, table, inputs, out, as_json, *notes)


@app.command("quality-control")
def quality_control(
    samples: Annotated[Path, typer.Argument(help="Samples of the base model.")],
    judgements: Annotated[
        list[Path],
        typer.Argument(help="Its quality verdicts; and how much of it a reference lacks."),
    ],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Diversity and novelty of base samples as the demand for helpfulness grows.

    Example: overton quality-control base.jsonl quality/base.jsonl missing/base.jsonl
    """
    from ..inputs.judgements import load_judgements
    from ..inputs.samples import load_samples
    from ..scoring.quality_control import quality_control as measure
    from ..scoring.verdicts import of_kind, unread
    from ..study.tables import quality_control_table, unread_sentence

    own = load_samples(samples)
    by_file = {str(file): load_judgements(file) for file in judgements}
    verdicts = [verdict for found in by_file.values() for verdict in found]
    values = measure(own, of_kind(verdicts, "quality"), of_kind(verdicts, "missing"))
    told = (
        f"Of {values['pairs']} samples with both verdicts {values['helpful']} are helpful (>= 4), "
        f"{values['novel']} novel to the reference (>= 4), {values['helpful_and_novel']} both."
    )
    table = quality_control_table({own.model: values})
    wrong = unread_sentence({name: unread(found) for name, found in by_file.items()})
    tell("quality-control", values, table, [samples, *judgements], out, as_json, told, wrong)


def tell(
    command: str,
    values: dict[str, Any],
    table: Table,
    inputs: list[Path],
    out: Path | None,
    as_json: bool,
    *notes: str | Table,
    pictures: dict[str, Any] | None = None,
) -> None:
    """Print a result, and write it where `--out` says: results.json, table.csv, pictures."""
    told: list[str | Table] = [table, *notes]
    if out is not None:
        from tenpapers.journal import Journal
        from tenpapers.records import write_json, write_text

        file = out / "results.json"
        with Journal.once(file, command=f"overton {command}", inputs=inputs) as journal:
            write_json(journal.file("results.json"), values)
            write_text(journal.file("table.csv"), table.csv())
            for name, draw in (pictures or {}).items():
                draw(journal.file(name))
        told.append(f"-> {file}")
    say(values, as_json, *told)
