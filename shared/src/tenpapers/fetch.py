"""Bringing the published data of a paper: by hash, from their public homes or a mirror.

`$TENPAPERS_MIRROR` is an address or a folder in which the files lie at
`<owner>/<repository>/<commit>/<path>`.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .data import user_folder
from .errors import UserError
from .journal import Journal
from .models.embedded import cache_folder
from .paper import Paper, Publication, PublishedFile

HOME = "https://raw.githubusercontent.com"


class Published:
    """The published files of a paper, as they lie in the cache.

    Parameters
    ----------
    paper : says which files there are, and their hashes.
    folder : cache of them, of all papers.
    """

    def __init__(self, paper: Paper, folder: Path) -> None:
        self.paper = paper
        self.folder = folder

    def file(self, repository: str, path: str, *, commit: str = "") -> Path:
        """Path of one published file.

        Raises
        ------
        KeyError : the paper names no such file.
        """
        for publication in self.paper.data:
            if publication.repository == repository and publication.commit.startswith(commit):
                for file in publication.files:
                    if file.path == path:
                        return self._place(publication) / path
        raise KeyError(f"{repository}: {path}")

    def files(self, repository: str, folder: str = "") -> list[Path]:
        """All published files of a repository below a folder, sorted by path."""
        return sorted(
            self._place(publication) / file.path
            for publication in self.paper.data
            if publication.repository == repository
            for file in publication.files
            if file.path.startswith(folder)
        )

    def bring(self) -> None:
        """Fetch what is not in the cache yet, checked by hash, with a progress bar.

        Raises
        ------
        UserError : a file cannot be had, or is not the published one.
        """
        from tqdm import tqdm

        wanted = [(source, file) for source in self.paper.data for file in source.files]
        with tqdm(wanted, desc="published files", unit="file") as bar:
            for publication, file in bar:
                bar.set_postfix_str(Path(file.path).name)
                self._bring(publication, file)

    def _place(self, publication: Publication) -> Path:
        return self.folder / publication.repository / publication.commit

    def _bring(self, publication: Publication, file: PublishedFile) -> None:
        import pooch

        target = self._place(publication) / file.path
        source = _source(publication, file)
        if target.exists() and _is_published(target, file):
            return
        target.unlink(missing_ok=True)
        try:
            # pooch knows no hashes of git; those are checked below.
            pooch.retrieve(
                source,
                known_hash=f"sha256:{file.sha256}" if file.sha256 else None,
                fname=target.name,
                path=target.parent,
                downloader=None if "://" in source else _copy,
            )
        except (OSError, ValueError) as error:
            reason = "its hash differs" if "hash" in str(error).lower() else _first_line(error)
            raise UserError(
                f"{publication.repository}: {file.path}: cannot be fetched: {reason}",
                "is the network there? TENPAPERS_MIRROR=FOLDER or URL names another source",
            ) from None
        if not _is_published(target, file):
            target.unlink()
            raise UserError(f"{source}: is not the published file: its hash differs")


def fetch(
    package: str,
    paper: Paper,
    make: Callable[[Published, Callable[[str], Path]], None],
    out: Path | None = None,
) -> Path:
    """Bring a paper's published files and write the package's data files from them.

    Parameters
    ----------
    make : writes the data files; gets the published files, and a function that gives the path of a
        data file by its name.
    out : folder of the data files; default `$TENPAPERS_DATA/<package>`, else in the user's data
        folder.

    Returns
    -------
    The folder.

    Raises
    ------
    UserError : see `Published.bring`; a file stands in the way that this command did not make.
    """
    base = Path(os.environ.get("TENPAPERS_DATA") or user_folder())
    folder = out or base / package
    published = Published(paper, cache_folder() / "published")
    key = {"files": [file.sha256 or file.git_blob for each in paper.data for file in each.files]}
    with Journal(folder, key=key, wait=True) as journal:
        published.bring()
        make(published, journal.file)
    return folder


def _source(publication: Publication, file: PublishedFile) -> str:
    base = (os.environ.get("TENPAPERS_MIRROR") or HOME).rstrip("/")
    return f"{base}/{publication.repository}/{publication.commit}/{file.path}"


def _copy(url: str, output_file: str, _pooch: Any) -> None:
    if not Path(url).is_file():
        raise OSError(f"{url}: no such file")
    shutil.copyfile(url, output_file)


def _is_published(path: Path, file: PublishedFile) -> bool:
    content = path.read_bytes()
    if file.sha256:
        return hashlib.sha256(content).hexdigest() == file.sha256
    # git names a file by the hash of its length and content
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.git_blob


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
