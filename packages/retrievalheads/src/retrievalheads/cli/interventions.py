"""Commands that intervene: knockout sweeps, patching between adapters, evaluation without heads."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Json, OutDir, Overwrite, Wait, say, stop_on_failures
from tenpapers.journal import Journal
from tenpapers.settings import options

from ..interventions.settings import EvaluateSettings, KnockoutSettings, PatchSettings
from .heads import Data

app = typer.Typer()


@app.command()
@options(EvaluateSettings)
def evaluate(
    data: Data,
    out: OutDir,
    settings: EvaluateSettings,
    use_cache: Cache = True,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Answer greedily and grade; writes predictions.jsonl and metrics.json.

    Example: retrievalheads evaluate --model smollm2 --data data/mdqa/test.jsonl --out runs/eval
    """
    from ..interventions.write_results import evaluate_into, evaluate_key
    from ..records import without_nan
    from ..study.tables import metrics_text

    key = evaluate_key(settings)
    with Journal(out, key=key, inputs=[data], overwrite=overwrite, wait=wait) as journal:
        found = evaluate_into(journal, data, settings, use_cache=use_cache)
    metrics = found.metrics
    say(without_nan(metrics), as_json, f"{metrics_text(metrics)}\n-> {out / 'predictions.jsonl'}")
    stop_on_failures(found.failed, found.asked)


@app.command()
@options(KnockoutSettings)
def knockout(
    data: Data,
    out: OutDir,
    scores: Annotated[Path, typer.Option("--scores", help="Head-score file of the model.")],
    settings: KnockoutSettings,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Switch off the top k heads and k random ones; writes knockout.json and the curve.

    Example: retrievalheads knockout --model smollm2 --data test.jsonl --scores scores.json
    --k 0,10,20 --scope decode --out runs/knockout
    """
    from ..interventions.write_results import knockout_into
    from ..records import without_nan
    from ..study.figures import knockout_figure
    from ..study.tables import knockout_table

    key, inputs = settings.key("knockout"), [data, scores]
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        found = knockout_into(journal, data, scores, settings)
        picture = knockout_figure(found["rows"], journal.file("knockout.png"))
    text = knockout_table(found["rows"], found["n"]).text()
    say(without_nan(found), as_json, f"{text}\n-> {picture.path}")


@app.command()
@options(PatchSettings)
def patch(
    data: Data,
    out: OutDir,
    target: Annotated[Path, typer.Option("--target", help="Adapter that is patched.")],
    source: Annotated[Path, typer.Option("--source", help="Adapter that gives activations.")],
    target_scores: Annotated[Path, typer.Option("--target-scores", help="Its head scores.")],
    source_scores: Annotated[Path, typer.Option("--source-scores", help="Its head scores.")],
    settings: PatchSettings,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Put the source's activations into the target, head by head; writes patch.json.

    Example: retrievalheads patch --model smollm2 --target runs/hh --source runs/real
    --target-scores hh.json --source-scores real.json --data test.jsonl --out runs/patch
    """
    from ..interventions.write_results import PatchedPair, patch_into
    from ..records import without_nan
    from ..study.tables import patch_table

    pair = PatchedPair(target, source, target_scores, source_scores)
    key, inputs = pair.key(settings), [data, target_scores, source_scores]
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        found = patch_into(journal, data, pair, settings)
    say(without_nan(found), as_json, f"{patch_table([found]).text()}\n-> {out / 'patch.json'}")
