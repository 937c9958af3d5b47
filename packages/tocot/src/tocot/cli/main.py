"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from tenpapers.cli import make_app, run

from .models import register as register_models
from .scoring import register as register_scoring
from .tools import register as register_tools

app = make_app(
    """When does chain of thought help? Score responses, test gains, solve plans, run models.

    Example: tocot score outputs.jsonl --unparseable guess --out runs/mine
    """
)
register_scoring(app)
register_tools(app)
register_models(app)


def main() -> None:
    """Run the command line."""
    run(app)
