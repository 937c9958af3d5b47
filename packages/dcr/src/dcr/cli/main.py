"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import OutDir, Overwrite, Scale, Wait, make_app, run
from tenpapers.settings import options

from ..study.settings import Study
from . import data, detect, distill, evaluate, refine, train

app = make_app(
    """Learning to Refine with Fine-Grained Natural Language Feedback.

    Example: dcr reproduce --out runs/dcr
    """
)
app.add_typer(data.app, name="data")
app.add_typer(train.app, name="train")
app.add_typer(distill.app, name="distill")
for group in (detect.app, refine.app, evaluate.app, data.top):
    app.add_typer(group)


@app.command()
@options(Study, scales="dcr")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study; writes report, table, results and manifest.

    Example: dcr reproduce --scale cpu --out runs/dcr
    """
    from ..study.reproduce import reproduce as run_study

    run_study(out, settings, scale=scale, overwrite=overwrite, wait=wait)


def main() -> None:
    """Run the command line."""
    run(app)
