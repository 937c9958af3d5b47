"""Published data: those at hand, and files made by a test in the published forms."""

import functools
import hashlib
import http.server
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .. import data as data_folders
from ..paper import Paper, load_paper
from .rows import content_of


def data_fixture(package: str) -> Any:
    """Make the fixture of a package's published data; tests that ask for it are skipped without."""

    @pytest.fixture(scope="session")
    def data() -> Path:
        folder = data_folders.folder(package)
        if folder is None:
            pytest.skip(f"no data of {package} here: shared/data or $TENPAPERS_DATA")
        return folder

    return data


def whole_acceptance() -> bool:
    """Whether real inputs are run in full (`make acceptance`), or a part of them (`make test`)."""
    return os.environ.get("TENPAPERS_ACCEPTANCE") == "whole"


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on loopback; gives the address, and the paths that were asked for so far."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def published(package: str, files: Mapping[str, bytes], mirror: Path) -> Paper:
    """Lay out published files with other content as a mirror; gives the package's paper with them.

    Parameters
    ----------
    files : content by `COMMIT/PATH`, the commit's first seven digits, as `paper.yaml` has them.
    """
    paper, left = load_paper(package), dict(files)
    for home in paper.data:
        theirs = [file for file in home.files if f"{home.commit[:7]}/{file.path}" in left]
        home.files[:] = []
        for file in theirs:
            content = left.pop(f"{home.commit[:7]}/{file.path}")
            place = mirror / home.repository / home.commit / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            known = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            home.files.append(file.model_copy(update=known))
    assert not left, f"not in paper.yaml: {sorted(left)}"
    return paper


def exactly_published(package: str, files: Mapping[str, bytes]) -> set[str]:
    """Which files, named as in `published`, have the very content that was published."""
    hashes = {
        f"{home.commit[:7]}/{file.path}": file.sha256
        for home in load_paper(package).data
        for file in home.files
    }
    return {
        name
        for name, content in files.items()
        if hashlib.sha256(content).hexdigest() == hashes[name]
    }


def fetched(
    package: str, make: data_folders.Make, files: Mapping[str, bytes], folder: Path
) -> dict[str, Any]:
    """Fetch published files, made as in `published`, from a web server: what was written, by name.

    Every data file that `paper.yaml` speaks of must be there, and no other.
    """
    paper = published(package, files, folder / "mirror")
    with (
        web_server(folder / "mirror") as (address, asked),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TENPAPERS_MIRROR", address)
        patch.setenv("TENPAPERS_CACHE", str(folder / "cache"))
        out = data_folders.fetch(package, paper, make, folder / "data")
        assert len(asked) == len(files)
    wanted = {
        name for home in load_paper(package).data for file in home.files for name in file.makes
    }
    found = {str(file.relative_to(out)): file for file in out.rglob("*") if file.is_file()}
    ours = {name: file for name, file in found.items() if "journal.jsonl" not in name}
    assert ours.keys() == wanted
    return {name: content_of(file) for name, file in ours.items()}
