import subprocess
import sys

import pytest
from typer.testing import CliRunner

COMMANDS = [
    "",
    "datasets",
    "datasets list",
    "datasets prepare",
    "corpus",
    "corpus prepare",
    "corpus embed",
    "seeds sample",
    "retrieve",
    "build-inputs",
    "generate",
    "fewgen",
    "parse",
    "filter",
    "train",
    "evaluate",
    "compare",
    "judge",
    "run",
    "reproduce",
]
HEAVY = {"torch", "transformers", "datasets", "sklearn", "scipy", "spacy", "pandas", "matplotlib"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(name):
    from synthesizrr.cli.main import app

    done = CliRunner().invoke(app, [*name.split(), "--help"])
    assert done.exit_code == 0 and "Usage:" in done.stdout


def test_help_of_every_command_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from synthesizrr.cli.main import app\n"
        f"for name in {COMMANDS!r}:\n"
        "    app([*name.split(), '--help'], standalone_mode=False)\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("Usage:") == len(COMMANDS)
    assert not HEAVY & set(done.stderr.split())
