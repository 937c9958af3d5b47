"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import data_app, make_app, run

from ..inputs import fetched
from . import data, generate, metrics, sourcing, train

app = make_app(
    """Labelled data sets from a corpus and a language model, and numbers on any data set.

    Example: synthesizrr compare mine.jsonl theirs.jsonl --out runs/compare
    """
)
app.add_typer(data_app("synthesizrr", fetched.make), name="data")
app.add_typer(data.datasets, name="datasets")
app.add_typer(data.corpus, name="corpus")
app.add_typer(sourcing.seeds, name="seeds")
for group in (sourcing.app, generate.app, train.app, metrics.app):
    app.add_typer(group)


def main() -> None:
    """Run the command line."""
    run(app)
