"""What `--help` says: every command has an example, and the tool understands it."""

import importlib
import re
import shlex
from collections.abc import Iterator

import pytest
from tenpapers.testing import parse
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from .house import PACKAGES


def commands(found: TyperCommand | TyperGroup, *names: str) -> Iterator[tuple[list[str], str]]:
    """Name and help of every command below a group; hidden ones are other names of these."""
    if isinstance(found, TyperGroup):
        for name, below in found.commands.items():
            yield from commands(below, *names, name)
    elif not found.hidden:
        yield list(names), found.help or ""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_command_shows_an_example_that_is_understood(package):
    tool = get_command(importlib.import_module(f"{package}.cli.main").app)
    for names, told in commands(tool, package):
        example = re.search(r"Example: (.*?)(?=\n\n|$)", told, re.S)
        assert example, names
        words = shlex.split(example[1])
        assert words[: len(names)] == names
        parse(*words)
