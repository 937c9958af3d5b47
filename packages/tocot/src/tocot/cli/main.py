"""The command line. Every command says what it needs and what it writes."""

from tenpapers.cli import data_app, make_app, run

from ..inputs.fetched.make import make
from . import models, scoring, tools

app = make_app(
    """When does chain of thought help? Score responses, test gains, solve plans, run models.

    Example: tocot score outputs.jsonl --unparseable guess --out runs/mine
    """
)
app.add_typer(data_app("tocot", make), name="data")
for group in (scoring, tools, models):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line."""
    run(app)
