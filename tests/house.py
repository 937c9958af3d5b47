"""The house as a graph: packages, rooms, modules, and who imports whom."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(path.name for path in (ROOT / "packages").iterdir() if (path / "src").is_dir())
SHARED = ROOT / "shared" / "src" / "tenpapers"


@dataclass(frozen=True)
class Import:
    """One imported name: from which module (dotted, absolute) into which file."""

    file: Path
    module: str
    name: str


def source(package: str) -> Path:
    """Folder of a package's modules."""
    return ROOT / "packages" / package / "src" / package


def modules(folder: Path) -> list[Path]:
    """All Python files below a folder."""
    return sorted(folder.rglob("*.py"))


@cache  # several tests look at every file
def import_statements(file: Path) -> list[ast.Import | ast.ImportFrom]:
    """Every import of a file, wherever it stands."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(file: Path, base: Path) -> Iterator[Import]:
    """Every `from .. import name` and `import ..` of a file, wherever it stands.

    Parameters
    ----------
    base : folder that is on the path, so that relative imports become absolute.
    """
    here = list(file.relative_to(base).with_suffix("").parts[:-1])
    for node in import_statements(file):
        if isinstance(node, ast.ImportFrom):
            parent = here[: len(here) - (node.level - 1)] if node.level else []
            module = ".".join([*parent, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(file, module, alias.name)
        else:
            for alias in node.names:
                yield Import(file, alias.name, "")


def rooms(package: str) -> list[str]:
    """Names of a package's rooms: the folders that hold modules."""
    folder = source(package)
    return sorted({path.relative_to(folder).parts[0] for path in folder.rglob("*/*.py")})


def room_graph(package: str) -> dict[str, set[str]]:
    """For each room the other rooms that its modules import; `records` counts as a room."""
    folder, known = source(package), {*rooms(package), "records"}
    graph: dict[str, set[str]] = {room: set() for room in known}
    for file in modules(folder):
        room = file.relative_to(folder).parts[0].removesuffix(".py")
        if room not in known:
            continue
        for found in imports(file, folder.parent):
            target = f"{found.module}.{found.name}".split(".")
            if target[0] == package and len(target) > 1 and target[1] in known - {room}:
                graph[room].add(target[1])
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph as the nodes along it, or []."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := visit(following, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])
