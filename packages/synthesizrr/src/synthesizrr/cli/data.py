"""Commands that bring published data into our form: datasets, corpus prepare."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Json, OutDir

from ..options import Defaults, Overwrite, fresh, say


def register(corpus: typer.Typer, datasets: typer.Typer) -> None:
    """Add the commands to their groups."""

    @datasets.command("list")
    def datasets_list(as_json: Json = False) -> None:
        """The tasks that ship with the package: labels, corpus, sizes.

        Example: synthesizrr datasets list
        """
        from tenpapers.report import Table

        from ..inputs.task import load_task, task_names

        tasks = [load_task(name) for name in task_names()]
        rows: list[list[Any]] = [
            [
                one.name,
                len(one.labels),
                one.corpus,
                one.seeds_per_class,
                one.rows_per_class,
                one.train_rows,
                one.max_new_tokens,
            ]
            for one in tasks
        ]
        columns = [
            "task",
            "labels",
            "corpus",
            "seeds/class",
            "prompts/class",
            "train rows",
            "new tokens",
        ]
        say([one.model_dump() for one in tasks], as_json, Table("Tasks", columns, rows))

    @datasets.command("prepare")
    def datasets_prepare(
        name: Annotated[str, typer.Argument(help="A task's name; jsonl or csv for your own.")],
        out: OutDir,
        src: Annotated[
            Path | None, typer.Option("--src", help="The published files [asks the hub].")
        ] = None,
        task: Annotated[
            str | None, typer.Option("--task", help="Your own task, to check the labels with.")
        ] = None,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Write train.jsonl, validation.jsonl and test.jsonl of a data set.

        Example: synthesizrr datasets prepare ag_news --src ag_news_csv --out data/ag_news
        """
        from tenpapers.records import write_jsonl

        from ..inputs.published_datasets import prepare

        splits = prepare(name, src, task=task)
        counts = {
            split: write_jsonl(fresh(out / f"{split}.jsonl", overwrite), rows)
            for split, rows in splits.items()
        }
        text = ", ".join(f"{count} {split}" for split, count in counts.items())
        say(counts, as_json, f"{text}\n-> {out}")

    @corpus.command("prepare")
    def corpus_prepare(
        name: Annotated[
            str,
            typer.Argument(
                help="realnews-dominant, -regional, -india, products, cmu-movies, jsonl or csv."
            ),
        ],
        src: Annotated[Path, typer.Option("--src", help="The published file or folder.")],
        out: OutDir,
        domains: Annotated[
            Path | None, typer.Option("--domains", help="RealNews: JSON of the domain lists.")
        ] = None,
        shard_size: Annotated[
            int, typer.Option("--shard-size", help="Documents a file.", min=1)
        ] = 100_000,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Write a corpus as docs-00000.jsonl.gz, docs-00001.jsonl.gz, ...

        Example: synthesizrr corpus prepare products --src All_Amazon_Meta.json.gz --out corpus/
        """
        from tqdm import tqdm

        from ..inputs.documents import write_shards
        from ..inputs.published_corpora import open_corpus

        fresh(out / "docs-00000.jsonl.gz", overwrite)
        bar = tqdm(open_corpus(name, src, domains), desc=name, unit="doc")
        documents, shards = write_shards(out, bar, shard_size)
        say(
            {"documents": documents, "shards": shards},
            as_json,
            f"{documents} documents in {shards} files\n-> {out}",
        )
