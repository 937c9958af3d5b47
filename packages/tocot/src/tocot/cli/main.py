"""The command line. Every command says what it needs and what it writes."""

from tenpapers.cli import make_app, run

from . import models, scoring, tools

app = make_app(
    """When does chain of thought help? Score responses, test gains, solve plans, run models.

    Example: tocot score outputs.jsonl --unparseable guess --out runs/mine
    """
)
for group in (scoring, tools, models):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line."""
    run(app)
