"""What a program may see of the file system: the interpreter's own files, and nothing else.

Standard library only; runs in the interpreter of the programs, before any of them.
"""

import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_SHARED_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
# Time zones, the linker's table, and what libraries read to count processors.
_SYSTEM = (
    "/usr/share/zoneinfo",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/sys/devices/system/cpu",
    "/proc/cpuinfo",
    "/proc/meminfo",
)


@dataclass(frozen=True)
class View:
    """Paths that a program may read, and parts of them that it may not.

    Parameters
    ----------
    visible : absolute, none within another; as they are named, links included.
    hidden : absolute, without links.
    """

    visible: tuple[str, ...]
    hidden: tuple[str, ...]


def view_of_interpreter(path: Iterable[str], hidden: Iterable[str]) -> View:
    """Find the prefixes, library folders and `path`; hide our own packages and `hidden`."""
    found = [sysconfig.get_path(n) for n in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    found += prefixes - {"/usr", "/usr/local", "/"}
    found += [*_SHARED_LIBRARIES, *_SYSTEM, *_mapped_libraries(), *path]
    named = {Path(name).absolute() for name in found if Path(name).exists()}
    named |= {name.resolve() for name in named}
    outer = sorted(str(name) for name in named if named.isdisjoint(name.parents))
    ours = [entry for folder in sys.path for entry in _own_packages(folder)]
    masked = {Path(name).resolve() for name in (*ours, *hidden)}
    return View(tuple(outer), tuple(sorted(str(name) for name in masked if name.exists())))


def _mapped_libraries() -> set[str]:
    """Folders of the shared libraries that this interpreter has loaded."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return set()
    files = {Path(line.split(None, 5)[5]) for line in lines if "/" in line}
    return {str(file.parent) for file in files if ".so" in file.name and file.is_absolute()}


def _own_packages(folder: str) -> list[str]:
    """Packages of this project that are installed in a folder of libraries: they hold answers."""
    try:
        entries = list(os.scandir(folder or "."))
    except OSError:
        return []
    named = (entry for entry in entries if "." not in entry.name)
    return [e.path for e in named if e.name == "tenpapers" or Path(e.path, "paper.yaml").exists()]


def readable_parts(view: View) -> tuple[list[str], list[str]]:
    """Split the view for a rule book that can only allow.

    Returns
    -------
    Paths to allow with all below them, and folders to allow for listing alone: those on the way to
    a hidden path, whose other entries are among the first.
    """
    whole, listed = [], []
    hidden = [Path(name) for name in view.hidden]
    ways = {parent for name in hidden for parent in name.parents}
    waiting = [Path(name).resolve() for name in view.visible]
    while waiting:
        name = waiting.pop()
        if name in ways:
            listed.append(str(name))
            waiting += [entry for entry in name.iterdir() if not entry.is_symlink()]
        elif name not in hidden:
            whole.append(str(name))
    return whole, listed
