"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import make_app, run

from .cli_metrics import register as register_metrics

app = make_app(
    """Labelled data sets from a corpus and a language model, and numbers on any data set.

    Example: synthesizrr compare mine.jsonl theirs.jsonl --out runs/compare
    """
)
register_metrics(app)


def main() -> None:
    """Run the command line."""
    run(app)
