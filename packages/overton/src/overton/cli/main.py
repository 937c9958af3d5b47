"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import OutDir, Overwrite, Scale, Wait, make_app, run
from tenpapers.settings import options

from ..study.settings import Study

app = make_app(
    """From Distributional to Overton Pluralism: Investigating Large Language Model Alignment.

    Example: overton reproduce --out runs/overton
    """
)


@app.command()
@options(Study, scales="overton")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study; writes report, table, results and manifest.

    Example: overton reproduce --scale cpu --out runs/overton
    """
    from ..study.reproduce import reproduce as run_study

    run_study(out, settings, scale=scale, overwrite=overwrite, wait=wait)


def main() -> None:
    """Run the command line."""
    run(app)
