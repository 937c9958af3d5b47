"""What the READMEs say: every command line is one that the tools understand."""

import ast
import builtins
import importlib
import re
import shlex
from collections import defaultdict

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


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_commands_write_to_one_place(package):
    """Who copies a README from top to bottom is not refused by the folder of an earlier run."""
    writers = defaultdict(set)
    for _, command, *words in command_lines(package):
        # `specificity` adds a file to the run of `evaluate`; `report` reads both in one folder.
        if "--out" in words and command != "specificity":
            writers[words[words.index("--out") + 1]].add((command, *words))
    assert [commands for commands in writers.values() if len(commands) > 1] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_python_examples_define_and_import_what_they_use(package):
    readme = (ROOT / "packages" / package / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, re.M | re.S)
    assert blocks
    for block in blocks:
        tree = list(ast.walk(ast.parse(block)))
        imported = [node for node in tree if isinstance(node, ast.ImportFrom)]
        for node in imported:
            for alias in node.names:
                assert hasattr(importlib.import_module(str(node.module)), alias.name)
        names = [node for node in tree if isinstance(node, ast.Name)]
        known = {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(dir(builtins))
        known |= {
            alias.asname or alias.name
            for node in tree
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert {node.id for node in names} - known == set()


def test_a_misspelt_option_is_not_understood():
    with pytest.raises(Exception, match="--limt"):
        parse("tocot", "tasks", "--limt", "3")


def test_every_target_of_make_that_a_document_names_is_there():
    made = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    made |= {f"reproduce-{package}" for package in PACKAGES}
    folders = [ROOT, ROOT / "shared", *(ROOT / "packages" / package for package in PACKAGES)]
    named = {
        (file, target)
        for folder in folders
        for file in folder.glob("*.md")
        for line in file.read_text(encoding="utf-8").splitlines()
        for command in re.findall(r"`(make [^`]*)`|^\$? ?(make .*)", line)
        for target in re.findall(r"^make ((?!-)[a-z-]+)", "".join(command))
    }
    assert {target for _, target in named} >= {"setup", "test", "lint"}
    assert [(file, target) for file, target in named if target not in made] == []
