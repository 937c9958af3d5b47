"""Commands about heads: detect, needle in a haystack, compare, correlate, Wu et al.'s files."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Model, OutFile

from ..options import (
    Adapter,
    AnyBase,
    ContextTokens,
    Data,
    Device,
    Dtype,
    MaxExamples,
    NonZero,
    Resume,
    Rope,
    Threshold,
    TopK,
    numbers,
    say,
    set_rule,
)

ScoreKind = Annotated[
    str, typer.Option("--score", help="mean (in [0, 1]), wu-code (repeats count) or wu-set.")
]


def detect(
    data: Data,
    out: OutFile,
    model: Model = "smollm2",
    adapter: Adapter = None,
    probe: Annotated[str, typer.Option("--probe", help="copy, or insight (SummHay).")] = "copy",
    mode: Annotated[
        str, typer.Option("--mode", help="teacher (rows of the target) or generate (own answers).")
    ] = "teacher",
    needles: Annotated[
        str, typer.Option("--needles", help="MuSiQue: last-hop or all-hops.")
    ] = "last-hop",
    score: ScoreKind = "mean",
    ignore_first: Annotated[
        int, typer.Option("--ignore-first", help="Leading tokens that count as nowhere.", min=0)
    ] = 0,
    batch_size: Annotated[
        int, typer.Option("--batch-size", help="Examples a pass; 1 shares prefixes.", min=1)
    ] = 1,
    rope: Rope = "none",
    context_tokens: ContextTokens = None,
    device: Device = None,
    dtype: Dtype = None,
    max_examples: MaxExamples = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Score every head of a model on a dataset; writes the head-score file and its .npz.

    Example: retrievalheads detect --model smollm2 --data data/dev.jsonl --out scores.json
    """
    from tenpapers.errors import UserError
    from tenpapers.report import file_digest

    from ..heads.detect import NothingToScoreError
    from ..heads.detect import detect as run_detect
    from ..heads.retrieval_score import SCORES
    from ..records import load_examples
    from ..study.resuming import Kept
    from ..study.tables import heads_text
    from ..training.tuned_model import load_model, require_fit

    for value, known, option in (
        (probe, ("copy", "insight"), "--probe"),
        (mode, ("teacher", "generate"), "--mode"),
        (needles, ("last-hop", "all-hops"), "--needles"),
        (score, SCORES, "--score"),
    ):
        if value not in known:
            raise UserError(f"{option} {value}: unknown", ", ".join(known))
    examples = load_examples(data, limit=max_examples)
    lm = load_model(model, adapter, dtype=dtype, device=device, rope=rope, context=context_tokens)
    require_fit(lm, max(example.n_tokens for example in examples), str(data))
    digest = file_digest(data)
    parts = (lm.name, lm.revision, digest, probe, mode, needles, score, ignore_first, rope)
    key = " ".join(map(str, parts))
    try:
        with Kept.beside(out, key, resume=resume) as kept:
            scores = run_detect(
                lm.model,
                lm.tokenizer,
                examples,
                probe,
                mode,
                batch_size,  # type: ignore[arg-type]
                needles=needles,
                score_kind=score,
                ignore_first=ignore_first,
                kept=kept,  # type: ignore[arg-type]
                progress=True,
            )
    except NothingToScoreError as error:
        undefined(f"{data}: {error}")
    except ValueError as error:
        raise UserError(f"{data}: {error}") from None
    scores.model, scores.adapter = model, str(adapter) if adapter else None
    scores.data_sha256 = digest
    scores.save(out)
    say(
        {
            "n_used": len(scores.ids),
            "n_skipped": scores.skipped,
            "split_half_recall": scores.split_half_recall(),
        },
        as_json,
        f"{heads_text(scores)}\n-> {out}",
    )


def niah(
    out: OutFile,
    model: Model = "smollm2",
    adapter: Adapter = None,
    haystack: Annotated[
        Path | None, typer.Option("--haystack", help="Plain text; default: passages of our own.")
    ] = None,
    needles: Annotated[
        Path | None,
        typer.Option("--needles", help="JSONL of needle, question, answer; default: three."),
    ] = None,
    lengths: Annotated[
        str, typer.Option("--lengths", help="Context lengths in tokens.")
    ] = "512,768,1024",
    depths: Annotated[int, typer.Option("--depths", help="Depths from 0 to 100 %.", min=2)] = 10,
    share_kv: Annotated[
        bool,
        typer.Option("--share-kv/--no-share-kv", help="One prefill for all cells (exact)."),
    ] = True,
    multi_needle: Annotated[
        bool,
        typer.Option("--multi-needle", help="All needles of a length in one haystack (faster)."),
    ] = False,
    chat: Annotated[
        bool | None,
        typer.Option("--chat/--no-chat", help="Chat template [for instruct and chat models]."),
    ] = None,
    score: ScoreKind = "mean",
    device: Device = None,
    dtype: Dtype = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Needle in a haystack by Wu et al.'s protocol; exit code 3 if no trial succeeds.

    Example: retrievalheads niah --model smollm2 --lengths 512,1024 --depths 5 --out niah.json
    """
    from tenpapers.records import write_json

    from ..heads.detect import NothingToScoreError
    from ..heads.needle_in_haystack import default_haystack, default_needles, grid_for, read_needles
    from ..heads.needle_in_haystack import niah as run_niah
    from ..inputs.builders.build import use_chat
    from ..inputs.prompt_rendering import ChatFrame
    from ..study.resuming import Kept, text_digest
    from ..study.tables import heads_text
    from ..training.tuned_model import load_model, require_fit

    lm = load_model(model, adapter, dtype=dtype, device=device)
    text = haystack.read_text(encoding="utf-8") if haystack else default_haystack()
    trials = read_needles(needles) if needles else default_needles()
    wrapped = use_chat(model, lm.tokenizer) if chat is None else chat
    grid = grid_for(
        lm.tokenizer,
        text,
        trials,
        numbers(lengths, "--lengths"),
        depths,
        multi=multi_needle,
        chat=ChatFrame.of(lm.tokenizer) if wrapped else None,
    )
    require_fit(lm, max(len(cell.ids) for cell in grid), "--lengths")
    source = text_digest(f"{text} {trials}")
    key = f"{lm.name} {lm.revision} {score} {multi_needle} {wrapped} {source}"
    try:
        with Kept.beside(out, key, resume=resume) as kept:
            scores, details = run_niah(
                lm.model,
                lm.tokenizer,
                grid,
                share_kv=share_kv,
                kept=kept,
                progress=True,
                score_kind=score,  # type: ignore[arg-type]
            )
    except NothingToScoreError as error:
        undefined(str(error))
    scores.model, scores.adapter = model, str(adapter) if adapter else None
    scores.options |= {"lengths": lengths, "depths": depths, "multi_needle": multi_needle}
    scores.save(out)
    write_json(out.with_suffix(".outputs.json"), details["outputs"])
    rate = details["success_rate"]
    say(
        {"success_rate": rate, "best_rouge": details["best_rouge"], "tokens": details["tokens"]},
        as_json,
        f"{heads_text(scores)}\nsuccess rate {rate:.2f} of {len(grid)} trials, "
        f"{details['tokens']} tokens run\n-> {out}",
    )


def undefined(message: str) -> None:
    """End with exit code 3: the run is done and its result is undefined."""
    import sys

    print(f"undefined: {message}", file=sys.stderr)
    raise typer.Exit(3)


def compare(
    ref: Annotated[Path, typer.Option("--ref", help="Head-score file of the reference.")],
    other: Annotated[Path, typer.Option("--other", help="Head-score file to compare.")],
    threshold: Threshold = None,
    top_k: TopK = None,
    nonzero: NonZero = False,
    any_base: AnyBase = False,
    as_json: Json = False,
) -> None:
    """Overlap of two checkpoints' heads: counts, recall, precision, Jaccard, cosine, Spearman.

    Example: retrievalheads compare --ref real.json --other hh.json --threshold 0.1
    """
    from tenpapers.errors import UserError

    from ..heads.overlap import compare_files
    from ..heads.score_files import HeadScores
    from ..study.tables import comparison_text

    rule = set_rule(threshold, top_k, nonzero)
    mine, theirs = HeadScores.load(ref), HeadScores.load(other)
    try:
        found = compare_files(mine, theirs, allow_different_base=any_base, **rule)
    except ValueError as error:
        raise UserError(f"{ref} and {other}: {error}") from None
    say(found, as_json, comparison_text(found))
    if not found["n_ref"]:
        undefined(
            f"{ref}: no head passes {rule}, the largest score is {float(mine.mean.max()):.4f}; "
            "recall is not defined"
        )


def correlate(
    runs: Annotated[Path, typer.Option("--runs", help="JSONL, one line a run.")],
    x: Annotated[str, typer.Option("--x", help="recall, cosine, jaccard or count.")] = "recall",
    y: Annotated[str, typer.Option("--y", help="Score of a run.")] = "f1",
    out: Annotated[Path | None, typer.Option("--out", help="PNG of the scatter.")] = None,
    as_json: Json = False,
) -> None:
    """Rank correlation over runs: rho, exact p, bootstrap over test examples, leave-one-out.

    Each line: {"name", "task", "model", x.., y.., "per_example": [y of every test example]}.
    Example: retrievalheads correlate --runs runs.jsonl --x recall --y f1 --out scatter.png
    """
    from ..study.reporting import correlate_file

    found = correlate_file(runs, x, y, out)
    say(found, as_json, found["text"])
    if found["rho"] != found["rho"]:
        undefined(f"{runs}: {x} or {y} is constant, or fewer than two runs have both")


def import_wu(
    file: Annotated[Path, typer.Argument(help='"layer-head" lists of scores; may be .gz.')],
    out: OutFile,
    trials: Annotated[str, typer.Option("--trials", help="all, even or odd.")] = "all",
    model: Annotated[str | None, typer.Option("--model", help="Name for the file.")] = None,
    as_json: Json = False,
) -> None:
    """Read Wu et al.'s published head scores.

    Example: retrievalheads import-wu head_scores_Yi-6B-200K.json.gz --out yi.json
    """
    from ..heads.score_files import import_wu as read
    from ..heads.score_files import over_one
    from ..study.tables import heads_text

    scores = read(file, trials=trials, model=model)
    scores.save(out)
    above = over_one(scores)
    note = f"\n{above} scores of single trials are above 1" if above else ""
    say(
        {"n_used": len(scores.per_example), "over_one": above},
        as_json,
        f"{heads_text(scores)}{note}\n-> {out}",
    )


def export_wu(
    scores: Annotated[Path, typer.Argument(help="Head-score file.")], out: OutFile
) -> None:
    """Write Wu et al.'s form.

    Example: retrievalheads export-wu scores.json --out head_score.json
    """
    from ..heads.score_files import HeadScores
    from ..heads.score_files import export_wu as write

    write(HeadScores.load(scores), out)
    print(f"-> {out}")


def attention_map(
    data: Data,
    out: OutFile,
    heads: Annotated[str, typer.Option("--heads", help="e.g. 18-6,23-2.")],
    model: Model = "smollm2",
    adapter: Adapter = None,
    index: Annotated[int, typer.Option("--index", help="Which example, from 0.", min=0)] = 0,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """Picture of where the answer's rows attend in the context, for some heads.

    Example: retrievalheads attention-map --data dev.jsonl --heads 18-6,23-2 --out map.png
    """
    from tenpapers.errors import UserError

    from ..heads.attention_maps import draw_map
    from ..records import load_examples
    from ..training.tuned_model import load_model
    from .interventions import head_list

    examples = load_examples(data, limit=index + 1)
    if index >= len(examples):
        raise UserError(f"{data}: has {len(examples)} examples, --index {index} is none of them")
    lm = load_model(model, adapter, dtype=dtype, device=device)
    print(f"-> {draw_map(lm.model, lm.tokenizer, examples[index], head_list(heads), out).path}")


def heat_map(
    scores: Annotated[Path, typer.Argument(help="Head-score file.")], out: OutFile
) -> None:
    """Picture of all heads' scores, layers by heads.

    Example: retrievalheads heat-map scores.json --out heads.png
    """
    from ..heads.score_files import HeadScores
    from ..study.figures import heat_map as draw

    print(f"-> {draw(HeadScores.load(scores), out).path}")


def similarity(
    files: Annotated[list[Path], typer.Argument(help="Head-score files, any tasks and probes.")],
    out: Annotated[Path | None, typer.Option("--out", help="PNG of the cosines.")] = None,
    threshold: Threshold = None,
    top_k: TopK = None,
    nonzero: NonZero = False,
    as_json: Json = False,
) -> None:
    """Matrix of cosines and overlaps between many score files (adapters, tasks, probes).

    Example: retrievalheads similarity runs/*/heads.json --out matrix.png
    """
    from tenpapers.errors import UserError

    from ..heads.overlap import similarity as compare_all
    from ..heads.score_files import HeadScores
    from ..study.figures import matrix_figure
    from ..study.tables import similarity_table

    scores = [HeadScores.load(file) for file in files]
    try:
        rows = compare_all(scores, **set_rule(threshold, top_k, nonzero))
    except ValueError as error:
        raise UserError(str(error)) from None
    names = [str(file) for file in files]
    text = similarity_table(names, rows).text()
    if out is not None:
        text += f"\n-> {matrix_figure(names, rows, out).path}"
    say([row | {"a": names[row["a"]], "b": names[row["b"]]} for row in rows], as_json, text)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(detect)
    app.command()(niah)
    app.command()(compare)
    app.command()(correlate)
    app.command()(similarity)
    app.command("import-wu")(import_wu)
    app.command("export-wu")(export_wu)
    app.command("attention-map")(attention_map)
    app.command("heat-map")(heat_map)
