"""Commands from seeds to prompts: seeds, retrieve, build-inputs; and the corpus's embedding."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, OutFile, Seed

from ..options import Defaults, Overwrite, TaskName, fresh, pair, say

TopK = Annotated[int, typer.Option("--top-k", help="Documents stored a seed.", min=1)]
TokenizerSpec = Annotated[
    str, typer.Option("--tokenizer", help="The teacher's: model spec or folder.")
]
Docs = Annotated[Path, typer.Argument(help="docs-*.jsonl(.gz) in a folder, or one file.")]


def register(app: typer.Typer, corpus: typer.Typer, seeds: typer.Typer) -> None:
    """Add the commands to the application and its groups."""

    @corpus.command("embed")
    def corpus_embed(
        docs: Docs,
        out: OutDir,
        encoder: Annotated[
            str, typer.Option("--encoder", help="contriever, minilm, a folder or a hub id.")
        ] = "contriever",
        dtype: Annotated[str, typer.Option("--dtype", help="float16 or float32.")] = "float16",
        shard_size: Annotated[
            int, typer.Option("--shard-size", help="Documents a file.", min=1)
        ] = 100_000,
        max_length: Annotated[int, typer.Option("--max-length", help="Tokens read.", min=8)] = 512,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Embed a corpus: emb-*.npy, ids-*.txt, meta.json; a killed run goes on.

        Example: synthesizrr corpus embed corpus/ --encoder minilm --out emb/
        """
        from ..sourcing.retrieve import embed_corpus

        made = embed_corpus(
            docs, out, encoder, dtype=dtype, shard_size=shard_size, max_length=max_length
        )
        say(made.meta, as_json, f"{len(made)} documents, {made.dim} dimensions\n-> {out}")

    @seeds.command("sample")
    def seeds_sample(
        dataset: Annotated[Path, typer.Argument(help="Folder with train.jsonl, or a JSONL file.")],
        out: OutFile,
        per_class: Annotated[
            int | None, typer.Option("--per-class", help="Seeds of every label.", min=1)
        ] = None,
        seed_size: Annotated[
            int | None, typer.Option("--seed-size", help="All seeds, instead.", min=1)
        ] = None,
        task: Annotated[
            str | None, typer.Option("--task", help="Checks the labels; gives the default number.")
        ] = None,
        seed: Seed = 42,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Draw a balanced seed set from a train split.

        Example: synthesizrr seeds sample data/ag_news --per-class 50 --out seeds.jsonl
        """
        from tenpapers.errors import UserError
        from tenpapers.records import write_jsonl

        from ..inputs.seeds import per_class_of, sample_seeds
        from ..inputs.task import load_task
        from ..records import Example, read_rows

        known = load_task(task) if task else None
        labels = list(known.labels) if known else []
        file = dataset / "train.jsonl" if dataset.is_dir() else dataset
        rows = read_rows(file, Example, labels=labels or None)
        if seed_size is not None:
            per_class = per_class_of(seed_size, len(labels or {row.label for row in rows}))
        if per_class is None and known:
            per_class = known.seeds_per_class
        if per_class is None:
            raise UserError("how many seeds?", "--per-class, --seed-size or --task")
        chosen = sample_seeds(rows, per_class, seed, labels=labels)
        count = write_jsonl(fresh(out, overwrite), chosen)
        say({"seeds": count}, as_json, f"{count} seeds\n-> {out}")

    @app.command()
    def retrieve(
        seeds_file: Annotated[Path, typer.Argument(metavar="SEEDS", help="seeds.jsonl")],
        emb: Annotated[
            Path, typer.Argument(metavar="EMB", help="Folder of `corpus embed`, or the documents.")
        ],
        out: OutFile,
        docs: Annotated[
            Path | None, typer.Option("--docs", help="The embedded corpus, where it was moved.")
        ] = None,
        retriever: Annotated[
            str, typer.Option("--retriever", help="dense, bm25 or random.")
        ] = "dense",
        top_k: TopK = 500,
        rescore: Annotated[
            str | None, typer.Option("--rescore", help="BM25: cosines of this encoder as scores.")
        ] = None,
        exclude: Annotated[
            Path | None, typer.Option("--exclude", help="Drop documents that leak these texts.")
        ] = None,
        seed: Seed = 42,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Fetch for every seed the documents nearest to it.

        Example: synthesizrr retrieve seeds.jsonl emb/ --top-k 50 --out retrieved.jsonl
        """
        from tenpapers.records import write_jsonl

        from ..records import Example, read_rows
        from ..sourcing.retrievers import retrieve_by

        rows = read_rows(seeds_file, Example)
        found, leaks = retrieve_by(
            retriever, rows, emb, docs, top_k=top_k, rescore=rescore, exclude=exclude, seed=seed
        )
        write_jsonl(fresh(out, overwrite), found)
        counts = {
            "seeds": len(found),
            "results": sum(len(one.results) for one in found),
            "excluded": leaks,
        }
        say(
            counts,
            as_json,
            f"{counts['results']} results for {len(found)} seeds; excluded: "
            f"{leaks or 'nothing'}\n-> {out}",
        )

    @app.command("build-inputs")
    def build_inputs_command(
        retrieved: Annotated[Path, typer.Argument(help="retrieved.jsonl")],
        out: OutDir,
        task: TaskName,
        mode: Annotated[str, typer.Option("--mode", help="retricl or non-retricl.")] = "retricl",
        icl_range: Annotated[
            str | None, typer.Option("--icl-range", help="Cosines of demonstrations [0.5,0.9].")
        ] = None,
        range_: Annotated[
            str | None, typer.Option("--range", help="Cosines of inputs [0.4,0.9].")
        ] = None,
        window_quantile: Annotated[
            str | None,
            typer.Option("--window-quantile", help="Both windows from quantiles, e.g. 0.3,0.98."),
        ] = None,
        icl_ranks: Annotated[
            str, typer.Option("--icl-ranks", help="Ranks of demonstrations.")
        ] = "1,2",
        ranks: Annotated[str, typer.Option("--ranks", help="Ranks of inputs.")] = "1-50",
        context_tokens: Annotated[
            str, typer.Option("--context-tokens", help="Least and most tokens of a document.")
        ] = "20,400",
        tokenizer: TokenizerSpec = "smollm2",
        shots: Annotated[
            int, typer.Option("--shots", help="Demonstrations that must be there.", min=0)
        ] = 0,
        per_label: Annotated[
            int | None, typer.Option("--per-label", help="Inputs drawn a label [all].", min=1)
        ] = None,
        strict: Annotated[
            bool, typer.Option("--strict", help="Too few inputs are an error.")
        ] = False,
        seed: Seed = 42,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Sort what was fetched into demonstrations (icl.jsonl) and inputs (inputs.jsonl).

        Example: synthesizrr build-inputs retrieved.jsonl --task ag_news --out runs/inputs
        """
        from dataclasses import asdict

        from tenpapers.records import write_json, write_jsonl

        from ..inputs.task import load_task
        from ..inversion.teacher import load_tokenizer
        from ..records import Retrieved, read_rows
        from ..sourcing.pools import CONTEXT_TOKENS, ICL_RANGE, RANGE, build_inputs, windows_of

        chosen = load_task(task)
        rows = read_rows(retrieved, Retrieved, labels=list(chosen.labels))
        numbers = rank_list(ranks, "--ranks")
        demonstrations = rank_list(icl_ranks, "--icl-ranks")
        windows = (pair(icl_range, "--icl-range"), pair(range_, "--range"))
        icl_window, window = windows_of(
            rows,
            pair(window_quantile, "--window-quantile"),
            demonstrations,
            numbers,
            windows[0] or ICL_RANGE,
            windows[1] or RANGE,
            seed,
        )
        least, most = pair(context_tokens, "--context-tokens") or CONTEXT_TOKENS
        icl, inputs, report = build_inputs(
            rows,
            chosen,
            mode,
            demonstrations,
            icl_window,
            window,
            numbers,  # type: ignore[arg-type]
            (int(least), int(most)),
            tokenizer=load_tokenizer(tokenizer),
            shots=shots,
            per_label=per_label,
            strict=strict,
            seed=seed,
        )
        write_jsonl(fresh(out / "icl.jsonl", overwrite), icl)
        write_jsonl(fresh(out / "inputs.jsonl", overwrite), inputs)
        write_json(out / "report.json", asdict(report))
        short = f"; missing: {report.shortfall}" if report.shortfall else ""
        say(
            asdict(report),
            as_json,
            f"{len(icl)} demonstrations, {len(inputs)} inputs; dropped: "
            f"{report.dropped or 'nothing'}{short}\n-> {out}",
        )


def rank_list(text: str, option: str) -> list[int]:
    """Ranks as `1,2` or `3-50`, sorted.

    Raises
    ------
    UserError : anything else.
    """
    from tenpapers.errors import UserError

    ranks: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            ranks |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        raise UserError(f"{option} {text}: not ranks", "e.g. 1,2 or 3-50") from None
    if not ranks or min(ranks) < 1:
        raise UserError(f"{option} {text}: ranks begin at 1")
    return sorted(ranks)
