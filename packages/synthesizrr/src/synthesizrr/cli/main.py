"""The command line: parse, call, print. Every command says what it needs and what it writes."""

import typer
from tenpapers.cli import make_app, run

from .data import register as register_data
from .generate import register as register_generate
from .metrics import register as register_metrics
from .sourcing import register as register_sourcing
from .train import register as register_train

app = make_app(
    """Labelled data sets from a corpus and a language model, and numbers on any data set.

    Example: synthesizrr compare mine.jsonl theirs.jsonl --out runs/compare
    """
)
corpus = typer.Typer(help="The unlabelled documents.", no_args_is_help=True)
seeds = typer.Typer(help="The few labelled texts.", no_args_is_help=True)
datasets = typer.Typer(help="Published data sets.", no_args_is_help=True)
app.add_typer(datasets, name="datasets")
app.add_typer(corpus, name="corpus")
app.add_typer(seeds, name="seeds")
register_data(corpus, datasets)
register_sourcing(app, corpus, seeds)
register_generate(app)
register_train(app)
register_metrics(app)


def main() -> None:
    """Run the command line."""
    run(app)
