"""Data in our form: datasets list and prepare, corpus prepare and embed."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say
from tenpapers.settings import options

from ..inputs.published_corpora import CorpusSettings
from ..inputs.published_datasets import DatasetSettings
from ..sourcing.retrieve import EmbedSettings

datasets = typer.Typer(help="Published data sets.", no_args_is_help=True)
corpus = typer.Typer(help="The unlabelled documents.", no_args_is_help=True)


@datasets.command("list")
def datasets_list(as_json: Json = False) -> None:
    """The tasks that ship with the package: labels, corpus, sizes.

    Example: synthesizrr datasets list
    """
    from ..inputs.task import load_task, task_names
    from ..study.tables import task_table

    tasks = [load_task(name) for name in task_names()]
    say([task.model_dump() for task in tasks], as_json, task_table(tasks))


@datasets.command("prepare")
@options(DatasetSettings)
def datasets_prepare(
    name: Annotated[str, typer.Argument(help="A task's name; jsonl or csv for your own.")],
    settings: DatasetSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Write train.jsonl, validation.jsonl and test.jsonl of a data set.

    Example: synthesizrr datasets prepare ag_news --src ag_news_csv --out data/ag_news
    """
    from tenpapers.journal import Journal, files_of, key_of

    from ..study.file_stages import prepare_dataset

    key = key_of("synthesizrr datasets prepare", settings, name=name)
    given: dict[str, Any] = {"inputs": files_of(settings), "overwrite": overwrite, "wait": wait}
    with Journal.of_file(out / "train.jsonl", key=key, **given) as journal:
        counts = prepare_dataset(name, settings.src, journal, task=settings.task)
    text = ", ".join(f"{count} {split}" for split, count in counts.items())
    say(counts, as_json, f"{text}\n-> {out}")


@corpus.command("prepare")
@options(CorpusSettings)
def corpus_prepare(
    name: Annotated[
        str,
        typer.Argument(
            help="realnews-dominant, -regional, -india, products, cmu-movies, jsonl or csv."
        ),
    ],
    settings: CorpusSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Write a corpus as docs-00000.jsonl.gz, docs-00001.jsonl.gz, ...

    Example: synthesizrr corpus prepare products --src All_Amazon_Meta.json.gz --out corpus/
    """
    from tenpapers.journal import Journal, files_of, key_of

    from ..study.file_stages import prepare_corpus

    key = key_of("synthesizrr corpus prepare", settings, name=name)
    given: dict[str, Any] = {"inputs": files_of(settings), "overwrite": overwrite, "wait": wait}
    with Journal.of_file(out / "docs-00000.jsonl.gz", key=key, **given) as journal:
        counts = prepare_corpus(name, settings, journal)
    text = f"{counts['documents']} documents in {counts['shards']} files\n-> {out}"
    say(counts, as_json, text)


@corpus.command("embed")
@options(EmbedSettings)
def corpus_embed(
    docs: Annotated[Path, typer.Argument(help="docs-*.jsonl(.gz) in a folder, or one file.")],
    settings: EmbedSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Embed a corpus: emb-*.npy, ids-*.txt, meta.json; a killed run goes on.

    Example: synthesizrr corpus embed corpus/ --encoder minilm --out emb/
    """
    from tenpapers.journal import Journal, key_of

    from ..sourcing.retrieve import embed_corpus
    from ..students.identity import known_encoder

    encoder = known_encoder(settings.encoder)
    key = key_of("synthesizrr corpus embed", settings, encoder=encoder)
    with Journal(out, key=key, inputs=[docs], overwrite=overwrite, wait=wait) as journal:
        journal.claim("settings.json", "meta.json", "corpus.json")
        made = embed_corpus(
            docs,
            out,
            settings.encoder,
            dtype=settings.dtype,
            shard_size=settings.shard_size,
            max_length=settings.max_length,
            place=journal.file,
        )
    say(made.meta, as_json, f"{len(made)} documents, {made.dim} dimensions\n-> {out}")
