import pytest
from tenpapers.testing import imports_of_help

from ..conftest import command

COMMANDS = [
    "tasks",
    "build",
    "run",
    "score",
    "report",
    "significance",
    "equals",
    "plan",
    "solve",
    "meta",
    "variants",
    "import-taur",
    "advise",
    "reproduce",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_by_an_example(name, capsys):
    command(name, "--help")
    said = capsys.readouterr().out
    assert "Usage:" in said and f"Example: tocot {name}" in " ".join(said.split())


def test_help_loads_nothing_heavy():
    loaded = imports_of_help("tocot", "run")
    assert not loaded & {"torch", "transformers", "pandas", "sklearn", "scipy", "z3", "matplotlib"}
