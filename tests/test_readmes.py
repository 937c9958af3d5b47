"""What the READMEs say: every command line is one that the tools understand."""

import re
import shlex

import pytest
from tenpapers.testing import parse

from .house import PACKAGES, ROOT


def command_lines(package: str) -> list[list[str]]:
    """Words of every command of a package in its README, alone or behind `$ `."""
    readme = (ROOT / "packages" / package / "README.md").read_text(encoding="utf-8")
    lines = [
        command.strip()
        for block in re.findall(r"^```\n(.*?)^```$", readme, re.M | re.S)
        for line in block.splitlines()
        for command in re.split(r" ; | && ", line.removeprefix("$ "))
    ]
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"{package} ")]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_command_line_is_understood(package):
    lines = command_lines(package)
    assert len(lines) >= 10
    for words in lines:
        parse(package, *words[1:])


def test_a_misspelt_option_is_not_understood():
    with pytest.raises(Exception, match="--limt"):
        parse("tocot", "tasks", "--limt", "3")
