"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import OutDir, Overwrite, Scale, Wait, data_app, make_app, run
from tenpapers.settings import options

from ..inputs.fetched import make
from ..study.settings import AnalysisSettings, Study
from . import data, judge, measures, recover, vectors

app = make_app(
    """Did post-training make answers less diverse, or pack more into one? Measure your own files.

    Example: overton diversity base.jsonl aligned.jsonl
    """
)
app.add_typer(data_app("overton", make), name="data")
for group in (measures, vectors, recover, judge, data):
    app.add_typer(group.app)


@app.command()
@options(AnalysisSettings)
def analyse(
    settings: AnalysisSettings,
    files: measures.Samples,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """All tables and figures of two or more files of responses.

    Example: overton analyse base.jsonl aligned.jsonl --out runs/mine
    """
    from ..study.analyse import analyse as run_analysis

    run_analysis(files, settings, out, overwrite=overwrite, wait=wait)


@app.command()
@options(Study, scales="overton")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Recompute the published study from its recorded outputs (--data), whole or any part.

    Example: overton reproduce --scale cpu --out runs/overton
    """
    from ..study.reproduce import reproduce as run_study

    run_study(out, settings, scale=scale, overwrite=overwrite, wait=wait)


def main() -> None:
    """Run the command line."""
    run(app)
