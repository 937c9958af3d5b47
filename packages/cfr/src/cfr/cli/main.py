"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import OutDir, Overwrite, Scale, Wait, data_app, make_app, run
from tenpapers.settings import options

from ..inputs.fetched import make
from ..study.settings import Study
from . import retrieval, training, verification

app = make_app(
    """Find the evidence that answers a subquestion of a claim, not the text that repeats the claim.

    Example: cfr rerank --candidates candidates.jsonl --out ranked.jsonl
    """
)
app.add_typer(data_app("cfr", make), name="data")
for group in (retrieval, training, verification):
    app.add_typer(group.app)


@app.command()
@options(Study, scales="cfr")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study: baselines, one row a signal, all together, the control; a killed run goes on.

    Example: cfr reproduce --scale cpu --out runs/cfr
    """
    from ..study.reproduce import reproduce as run_study

    run_study(settings, out, scale=scale, overwrite=overwrite, wait=wait)


def main() -> None:
    """Run the command line."""
    run(app)
