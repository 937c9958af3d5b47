"""Commands of retrieval: pages to windows, an index, candidates, rankings; how fast that is."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutDir, OutFile, Overwrite, Wait, say
from tenpapers.errors import UserError
from tenpapers.settings import options

from ..inputs.transfer_sets import DataSet
from ..retrieval.chunk import ChunkSettings
from ..retrieval.encoder import Score
from ..retrieval.first_stage import FirstStageSettings
from ..retrieval.index_folder import NO_ENCODER, IndexSettings
from ..retrieval.query_form import QueryFormat
from ..retrieval.search import SearchSettings
from ..speed.settings import BenchSettings, Loop

app = typer.Typer()

Index = Annotated[Path, typer.Option("--index", help="Folder that `cfr index` made.")]
Claims = Annotated[
    Path, typer.Option("--claims", help="Claims with their questions (JSONL or a JSON list).")
]


@app.command()
@options(ChunkSettings)
def chunk(
    settings: ChunkSettings,
    pages: Annotated[Path, typer.Option("--pages", help="JSONL: url, title, text, date.")],
    out: OutFile,
    as_json: Json = False,
) -> None:
    """Cut pages into windows with their titles; equal texts are kept once.

    Example: cfr chunk --pages pages.jsonl --out passages.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.files import read_pages
    from ..retrieval.chunk import chunk_all

    settings.check()
    found = read_pages(pages)
    with Journal.once(out, command="cfr chunk", inputs=[pages]) as journal:
        count = write_jsonl(journal.file(out.name), chunk_all(found, settings))
    told = {"pages": len(found), "passages": count}
    say(told, as_json, f"{count} passages of {len(found)} pages -> {out}")


@app.command()
@options(IndexSettings)
def index(
    settings: IndexSettings,
    passages: Annotated[Path, typer.Option("--passages", help="JSONL: pid, text, title, url.")],
    out: OutDir,
    resume: Annotated[
        bool, typer.Option("--resume", help="A killed run goes on, with or without this.")
    ] = True,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Index passages for BM25 and dense search; killed, it goes on where it was.

    Example: cfr index --passages passages.jsonl --out index
    """
    from tenpapers.journal import Journal, key_of, known_by

    from ..retrieval.encoder import identity_of
    from ..retrieval.index_folder import build_index

    name = settings.encoder
    identity = NO_ENCODER if name == NO_ENCODER else identity_of(name)
    key = key_of("cfr index", settings, encoder=known_by(name, identity))
    with Journal(out, key=key, inputs=[passages], overwrite=overwrite, wait=wait) as journal:
        count = build_index(passages, settings, journal)
    say({"passages": count}, as_json, f"{count} passages -> {out}")


@app.command()
def convert(
    name: Annotated[DataSet, typer.Argument(metavar="SET", help="Which data set.")],
    out: OutFile,
    file: Annotated[
        Path | None,
        typer.Argument(help="In the set's own form, or a copy of the hub's; default: the hub."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", help="Of the hub's; default: FEVER's paper_dev, else validation."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="File for labels (hotpotqa, wice).")
    ] = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Write FEVER, HotpotQA, ClaimDecomp or WiCE as queries, candidates or claims of ours.

    Example: cfr convert hotpotqa hotpot_dev_distractor_v1.json --out candidates.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.transfer_sets import pool_labels, transfer_rows
    from ..records import Pool

    rows = transfer_rows(name, file, split=split, limit=limit)
    pools = [row for row in rows if isinstance(row, Pool)]
    if labels is not None and not pools:
        raise UserError(f"{name}: has no passages to label", "leave --labels out")
    with Journal.once(out, command="cfr convert", inputs=[file]) as journal:
        count = write_jsonl(journal.file(out.name), rows)
    if labels is not None:
        with Journal.once(labels, command="cfr convert", inputs=[file]) as journal:
            write_jsonl(journal.file(labels.name), pool_labels(pools))
    say({"rows": count}, as_json, f"{count} rows -> {out}")


@app.command()
@options(FirstStageSettings)
def candidates(
    settings: FirstStageSettings,
    claims: Claims,
    out: OutFile,
    store: Annotated[
        Path | None,
        typer.Option("--store", help="Folder of AVeriTeC's knowledge store: CLAIM_ID.json each."),
    ] = None,
    from_index: Annotated[
        Path | None, typer.Option("--index", help="Folder that `cfr index` made, in its place.")
    ] = None,
    web: Annotated[
        bool,
        typer.Option("--web", help="Ask a search engine: $CFR_SEARCH_URL with $CFR_SEARCH_KEY."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find candidates for every subquestion by BM25: among a claim's own pages, or in an index.

    Pages that give the verdict away are left out and counted; an index has what was put into it.

    Example: cfr candidates --claims dev.json --store knowledge_store --out candidates.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.claims import queries_of, read_claims
    from ..inputs.knowledge_store import KnowledgeStore
    from ..inputs.web_search import WebSearch
    from ..retrieval.first_stage import FirstStage, first_stage
    from ..retrieval.search import Searcher

    if sum((store is not None, from_index is not None, web)) != 1:
        raise UserError("one of --store, --index and --web is wanted")
    asked = read_claims(claims)
    with Journal.once(out, command="cfr candidates", inputs=[claims, store]) as journal:
        if store is not None:
            known = KnowledgeStore(store)
            found = first_stage(asked, lambda claim: known.of(claim.claim_id), settings)
        elif from_index is None:
            found = first_stage(asked, lambda claim: WebSearch(whole_pages=True), settings)
        else:
            searcher = Searcher(from_index, SearchSettings(mode="bm25", k=settings.k))
            found = FirstStage(searcher.candidates(queries_of(asked)))
        count = write_jsonl(journal.file(out.name), found.candidates)
    told = {
        "queries": count,
        "pages": found.pages,
        "windows": found.windows,
        "removed": dict(found.removed),
    }
    removed = ", ".join(f"{n} {reason}" for reason, n in sorted(found.removed.items()))
    text = f"{count} queries -> {out}"
    if from_index is None:
        text += f"; left out: {removed or 'nothing'}"
    say(told, as_json, text)


@app.command()
@options(SearchSettings)
def search(
    settings: SearchSettings,
    index_folder: Index,
    queries: Annotated[
        Path, typer.Option("--queries", help="Queries, or claims with their questions.")
    ],
    out: OutFile,
    as_json: Json = False,
) -> None:
    """Rank an index's passages for every query: BM25, dense, reranked or fused.

    Example: cfr search --index index --queries queries.jsonl --mode rerank --out ranked.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.claims import read_asked
    from ..retrieval.search import Searcher

    asked = read_asked(queries)
    with Journal.once(out, command="cfr search", inputs=[queries]) as journal:
        ranked = Searcher(index_folder, settings).search(asked)
        count = write_jsonl(journal.file(out.name), ranked)
    say({"queries": count}, as_json, f"{count} rankings -> {out}")


@app.command("rerank")
def rerank_command(
    candidates_file: Annotated[
        Path, typer.Option("--candidates", help="JSONL: qid, claim, question, passages.")
    ],
    out: OutFile,
    model: Annotated[
        str, typer.Option("--model", help="A checkpoint's folder, minilm, contriever or a hub id.")
    ] = "minilm",
    k: Annotated[int, typer.Option("--k", help="Results of a query.")] = 10,
    score: Annotated[
        Score | None, typer.Option("--score", help="Default: what the checkpoint says.")
    ] = None,
    query_format: Annotated[
        QueryFormat | None,
        typer.Option("--query-format", help="Default: what the checkpoint says."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Remember the vectors of texts.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Rank every query's candidates by an encoder, best first.

    Example: cfr rerank --candidates candidates.jsonl --out ranked.jsonl
    """
    from tenpapers.embedding.search import require_positive
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.files import read_candidates
    from ..retrieval.encoder import Encoder
    from ..retrieval.rerank import rerank
    from ..retrieval.vectors import VectorCache

    require_positive(k)
    rows = read_candidates(candidates_file)
    with Journal.once(out, command="cfr rerank", inputs=[candidates_file]) as journal:
        encoder = Encoder.for_search(model, score=score, query_format=query_format)
        ranked = rerank(rows, VectorCache(encoder, progress="vectors") if cache else encoder, k=k)
        count = write_jsonl(journal.file(out.name), ranked)
    empty = sum(not row.results for row in ranked)
    text = f"{count} rankings -> {out}" + (f"; {empty} without candidates" if empty else "")
    say({"queries": count, "without_candidates": empty}, as_json, text)


@app.command("bench")
@options(BenchSettings)
def bench_command(
    settings: BenchSettings,
    loop: Annotated[Loop, typer.Argument(help="What is measured.")],
    out: Annotated[Path | None, typer.Option("--out", help="File for the JSON.")] = None,
) -> None:
    """Time a hot loop beside what people use instead; prints JSON.

    Example: cfr bench bm25 --queries 20
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_json

    from ..speed.bench import bench

    found = bench(loop, settings)
    if out is not None:
        with Journal.once(out, command="cfr bench", inputs=[settings.data]) as journal:
            write_json(journal.file(out.name), found)
    say(found, True)
