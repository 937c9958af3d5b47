"""What a package imports when it runs is what its pyproject.toml asks for."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from .house import PACKAGES, ROOT, SHARED, modules, source

# Rooms that only tests load, or that run in the interpreter of the programs.
ELSEWHERE = (SHARED / "testing", SHARED / "sandbox" / "inside")
DISTRIBUTIONS = packages_distributions()
# Parts of transformers and peft, and what only whoever has a model of that kind needs.
BROUGHT = {"accelerate", "bitsandbytes", "huggingface_hub", "tokenizers"}


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def asked(folder):
    """Requirements of a member, those of its extras among them."""
    found = project(folder)
    extras = found.get("optional-dependencies", {}).values()
    return [*found["dependencies"], *(line for extra in extras for line in extra)]


def name_of(distribution):
    return re.split(r"[^\w.-]", distribution)[0].lower().replace("_", "-")


def imported(node: ast.AST) -> Iterator[str]:
    """First names of what is imported at run time, at the top or inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Try) and "ImportError" in "".join(
            map(ast.unparse, child.handlers)
        ):
            continue  # whoever lacks it is told
        if isinstance(child, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and not child.level and child.module:
            yield child.module.partition(".")[0]
        yield from imported(child)


def without_asking(folder, known, own):
    """What modules import that nobody has asked for, with the files that do."""
    known = {name_of(line) for line in known}
    found = {}
    for file in modules(folder):
        if any(room in file.parents for room in ELSEWHERE):
            continue
        for name in set(imported(ast.parse(file.read_text()))) - {own, "tenpapers", *BROUGHT}:
            distributions = {name_of(told) for told in DISTRIBUTIONS.get(name, [name])}
            if name not in sys.stdlib_module_names and not distributions & known:
                found.setdefault(name, []).append(str(file.relative_to(folder)))
    return found


@pytest.mark.parametrize("package", [*PACKAGES, "shared"])
def test_whatever_is_imported_is_asked_for(package):
    """A tool of ours that is at hand here is not at hand where a user installs the package."""
    own = ROOT / "shared" if package == "shared" else ROOT / "packages" / package
    folder = SHARED if package == "shared" else source(package)
    assert without_asking(folder, [*asked(own), *asked(ROOT / "shared")], package) == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_tests_that_need_more_than_ci_installs_beside_a_package_are_skipped(package):
    own = ROOT / "packages" / package
    known = [*asked(own), *asked(ROOT / "shared"), "pytest", "hypothesis"]
    assert without_asking(own / "tests", known, package) == {}


@pytest.mark.parametrize("package", [*PACKAGES, "shared"])
def test_whatever_is_asked_for_has_a_lowest_version(package):
    """Without one, the lowest that CI tests would be a version from before our time."""
    own = ROOT / "shared" if package == "shared" else ROOT / "packages" / package
    lines = [line for line in asked(own) if " @ " not in line]
    assert [line for line in lines if not re.search(r"[>=]=\s*\d", line)] == []
