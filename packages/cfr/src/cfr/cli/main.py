"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import data_app, make_app, run

from ..inputs.fetched import make
from . import retrieval, training, verification

app = make_app(
    """Find the evidence that answers a subquestion of a claim, not the text that repeats the claim.

    Example: cfr rerank --candidates candidates.jsonl --out ranked.jsonl
    """
)
app.add_typer(data_app("cfr", make), name="data")
for group in (retrieval, training, verification):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line."""
    run(app)
