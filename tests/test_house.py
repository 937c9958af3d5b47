"""What holds for the house as a whole: rooms, direction of imports, sizes, words, one of each."""

import re
import subprocess
from collections import defaultdict

import pytest

from .house import PACKAGES, ROOT, SHARED, circle, imports, modules, room_graph, rooms, source

# What a package has at least, beside its own rooms.
ROOMS = {"cli", "study", "inputs", "scoring"}
FILES = ["__init__.py", "__init__.pyi", "__main__.py", "records.py", "paper.yaml"]
MODULES = ["cli/main.py", "study/settings.py", "study/reproduce.py", "configs/cpu.yaml"]
# Entry modules that a paper's fixed interface names beside the rooms.
ENTRIES = {"tocot": {"literature"}, "d2po": {"trl_adapter"}}
LINES, ROOM_MODULES = 500, 12
SPELT_OUT = {ROOT / "tests" / "test_house.py", ROOT / "conftest.py"}
# Tests that are of no room, by what they need.
KINDS_OF_TESTS = {"test_acceptance.py", "test_gpu.py", "test_vllm.py"}
# What one package alone takes from shared, and why it stays there: rooms, and names of rooms.
ONE_USER = {
    "embedding": "shards and indexes stand beside the encoder that three packages load",
    "generation.Attempt": "molecularfacts asks its models until they can be read, too",
    "generation.ask_until_read": "molecularfacts asks until it can read an answer too",
    "generation.split_thought": "how every backend splits off what a model thought first",
    "models.Head": "part of AttentionLayout, which lofit and retrievalheads use",
    "models.Projection": "part of AttentionLayout",
    "models.MiniCheck": "molecularfacts scores its facts with it too",
    "models.NAMES": "the released models of MiniCheck; molecularfacts takes the same names",
    "models.Family": "a line of FAMILIES",
    "models.O_PROJ_PATTERN": "part of AttentionLayout: where an unknown family's heads are",
    "models.UnsupportedModelError": "part of AttentionLayout",
    "paper.Claim": "the type that every study's verdicts speak of",
    "report.file_digest": "the hash of the manifest's inputs",
    "sentences": "molecularfacts cuts texts and documents the same way",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_the_rooms_and_files_of_the_plan(package):
    folder = source(package)
    assert set(rooms(package)) >= ROOMS
    assert [name for name in FILES + MODULES if not (folder / name).is_file()] == []
    beside = {file.stem for file in folder.glob("*.py")} - {"__init__", "__main__", "records"}
    assert beside <= ENTRIES.get(package, set())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_init_of_a_room_is_one_docstring(package):
    import ast

    for init in source(package).rglob("*/__init__.py"):
        body = ast.parse(init.read_text()).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), init


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_down_only(package):
    graph = room_graph(package)
    assert circle(graph) == []
    for room, targets in graph.items():
        above = {"cli"} if room != "cli" else set()
        if room not in ("cli", "study"):
            above |= {"study"}
        assert not targets & above, f"{room} imports {targets & above}"
    assert graph["inputs"] <= {"records"}
    assert graph["records"] == set()


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_never_import_each_other(package):
    base = ROOT / "packages" / package
    others = set(PACKAGES) - {package}
    for folder in (base / "src", base / "tests"):
        for file in modules(folder):
            for found in imports(file, ROOT):
                assert found.module.split(".")[0] not in others, f"{file} imports {found.module}"


def test_shared_knows_no_paper():
    for file in modules(SHARED):
        for found in imports(file, SHARED.parent):
            assert found.module.split(".")[0] not in PACKAGES, file


def test_what_packages_take_from_shared_has_two_users():
    users, whole_modules = defaultdict(set), defaultdict(set)
    for package in PACKAGES:
        for file in [*modules(source(package)), *modules(ROOT / "packages" / package / "tests")]:
            for found in imports(file, ROOT):
                if found.module == "tenpapers":
                    whole_modules[found.name].add(package)
                elif found.module.startswith("tenpapers."):
                    users[found.module.split(".")[1], found.name].add(package)
    alone = {
        f"{room}.{name}"
        for (room, name), known in users.items()
        if len(known | whole_modules[room]) == 1
    }
    reasoned = {name for name in alone if name in ONE_USER or name.split(".")[0] in ONE_USER}
    assert alone - reasoned == set()
    assert set(ONE_USER) <= alone | {name.split(".")[0] for name in alone}, "no reason any more"


@pytest.mark.parametrize("package", [*PACKAGES, "shared"])
def test_no_file_is_too_long_and_no_room_too_full(package):
    base = ROOT / "shared" if package == "shared" else ROOT / "packages" / package
    long = [
        f"{file.relative_to(base)}: {count}"
        for file in [*modules(base / "src"), *modules(base / "tests")]
        if (count := len(file.read_text().splitlines())) > LINES
    ]
    assert long == []
    counts = defaultdict(int)
    for file in modules(base / "src"):
        counts[file.parent] += file.name != "__init__.py"
    assert {str(room): count for room, count in counts.items() if count > ROOM_MODULES} == {}


def tracked(*patterns):
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--", *patterns],
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    # These spell out what they forbid.
    return [file for file in files if file.is_file() and file not in SPELT_OUT]


@pytest.mark.parametrize(
    "words",
    [
        r"fmt: (skip|off)",
        r"(?i)section [\d.]+ of the spec|\bthe spec\b(?! of)|\(spec \d|\bspecification's? check",
        r"\(checks? \d+\)",
        r"deadline=(None|\d)",
        r"raise NotImplementedError",
    ],
)
def test_words_that_have_no_place_here(words):
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in tracked("*.py", "*.md", "*.yaml", "*.jinja")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(words, line)
    ]
    assert found == []


def test_tests_mirror_the_rooms():
    for package in PACKAGES:
        folder = ROOT / "packages" / package / "tests"
        beside = {file.name for file in folder.glob("test_*.py")}
        entries = {f"test_{name}.py" for name in {"records", *ENTRIES.get(package, ())}}
        assert beside <= entries | KINDS_OF_TESTS, package
        known = {*rooms(package), "records"}
        for file in folder.rglob("*/test_*.py"):
            assert file.relative_to(folder).parts[0] in known, file
