"""The published data of a paper: where they lie on this machine, and bringing them.

They come from their public homes, or from `$TENPAPERS_MIRROR`: an address or a folder in which the
files lie at `<owner>/<repository>/<commit>/<path>`. Every file is checked by its hash.
"""

import gzip
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from .errors import UserError
from .journal import Journal
from .journal.run import JOURNAL
from .models.embedded import cache_folder
from .paper import Paper, Publication, PublishedFile
from .records import atomic_writer, to_line
from .report import file_digest

log = logging.getLogger(__name__)

HOME = "https://raw.githubusercontent.com"
# What a fetch says in its journal when all files are there.
COMPLETE = "data"


def folder(package: str) -> Path | None:
    """Find the published data of a package.

    `$TENPAPERS_DATA/<package>` where that variable is set; else `shared/data/<package>` beside the
    checkout that this code runs from, or the user's data folder.

    Returns
    -------
    The folder, or None where the data were not brought yet, or not all of them.

    Raises
    ------
    UserError : $TENPAPERS_DATA names a folder that does not exist; see `user_folder`.
    """
    named = os.environ.get("TENPAPERS_DATA")
    if named and not Path(named).is_dir():
        raise UserError(f"TENPAPERS_DATA={named}: no such folder")
    own = _beside_the_checkout() / package
    if not named and _is_complete(own):
        return own
    place = (Path(named) if named else user_folder()) / package
    return place if _is_complete(place) else None


def folder_or_hint(package: str) -> Path | None:
    """`folder`; where there is none, one line on standard error says how to get the data."""
    found = folder(package)
    if found is None:
        log.warning("the paper's published data are not here: `%s data fetch` brings them", package)
    return found


def user_folder() -> Path:
    """The user's data folder of all packages, whether it exists or not.

    Raises
    ------
    UserError : a user without a home, who did not name a folder.
    """
    try:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    except RuntimeError:
        raise UserError(
            "this user has no home folder to keep data in", "set TENPAPERS_DATA to a folder of data"
        ) from None
    return Path(base) / "tenpapers"


def _beside_the_checkout() -> Path:
    return Path(__file__).resolve().parents[4] / "shared" / "data"


def _is_complete(place: Path) -> bool:
    """Whether data lie there, and no fetch was cut off while it wrote them."""
    journal = place / JOURNAL
    if not journal.exists():
        return place.is_dir()
    return to_line({"done": COMPLETE}) in journal.read_text(encoding="utf-8")


class Published:
    """The published files of a paper that our data files are made from, as they lie in the cache.

    Parameters
    ----------
    paper : says which files there are, their hashes, and which of ours they make.
    cache : folder of them, of all papers.
    """

    def __init__(self, paper: Paper, cache: Path) -> None:
        self.cache = cache
        self.wanted = [(home, file) for home in paper.data for file in home.files if file.makes]

    def file(self, repository: str, path: str, *, commit: str = "") -> Path:
        """Path of one published file; `commit` may be its first digits.

        Raises
        ------
        KeyError : the paper names no such file.
        """
        for home, file in self.wanted:
            found = (home.repository, file.path) == (repository, path)
            if found and home.commit.startswith(commit):
                return self._place(home, file)
        raise KeyError(f"{repository}: {path}")

    def files(self, repository: str, below: str = "") -> list[Path]:
        """All published files of a repository below a folder, sorted by path."""
        return sorted(
            self._place(home, file)
            for home, file in self.wanted
            if home.repository == repository and file.path.startswith(below)
        )

    def bring(self) -> None:
        """Fetch what is not in the cache yet, with a progress bar; a killed fetch goes on.

        Raises
        ------
        UserError : a file cannot be had, or is not the published one.
        """
        from tqdm import tqdm

        self.cache.mkdir(parents=True, exist_ok=True)
        size = sum(file.size or 0 for _, file in self.wanted)
        with (
            FileLock(self.cache / ".lock"),
            tqdm(total=size, desc="published files", unit="B", unit_scale=True) as bar,
        ):
            for home, file in self.wanted:
                bar.set_postfix_str(Path(file.path).name)
                target = self._place(home, file)
                if not (target.exists() and _is_published(target, file)):
                    _fetch(home, file, target)
                bar.update(file.size or 0)

    def _place(self, home: Publication, file: PublishedFile) -> Path:
        return self.cache / home.repository / home.commit / file.path


Make = Callable[[Published, Callable[[str], Path]], None]


def fetch(package: str, paper: Paper, make: Make, out: Path | None = None) -> Path:
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
    target = out or Path(os.environ.get("TENPAPERS_DATA") or user_folder()) / package
    published = Published(paper, cache_folder() / "published")
    published.bring()
    if not (target / JOURNAL).exists():
        for name in sorted({name for _, file in published.wanted for name in file.makes}):
            if (target / name).exists():
                raise UserError(
                    f"{target / name}: was not made by `{package} data fetch`",
                    "move it away, or choose another --out",
                )
    with Journal(target, key={"data of": package}, wait=True) as journal:
        make(published, journal.file)
        journal.finish(COMPLETE)
    return target


def pack(source: Path, target: Path) -> None:
    """Copy a file; either may be compressed (`.gz`), the content stays as it is."""
    content = source.read_bytes()
    with atomic_writer(target) as stream:
        stream.write(gzip.decompress(content) if source.suffix == ".gz" else content)


def _fetch(home: Publication, file: PublishedFile, target: Path) -> None:
    import pooch

    base = (os.environ.get("TENPAPERS_MIRROR") or HOME).rstrip("/")
    source = f"{base}/{home.repository}/{home.commit}/{file.path}"
    what = f"{home.repository}: {file.path}"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")  # what a kill leaves is begun anew
    try:
        if "://" in source:
            pooch.HTTPDownloader(chunk_size=1 << 16)(source, str(partial), None)
        else:
            shutil.copyfile(source, partial)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{what}: cannot be fetched: {_reason(error)}",
            "is the network there? TENPAPERS_MIRROR=FOLDER or URL names another source",
        ) from None
    if not _is_published(partial, file):
        partial.unlink()
        raise UserError(f"{what}: is not the published file: its hash differs")
    partial.replace(target)


def _reason(error: Exception) -> str:
    """Why a file could not be had; never an address, which may hold a password."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server says {response.status_code} {response.reason}"
    return getattr(error, "strerror", None) or type(error).__name__


def _is_published(path: Path, file: PublishedFile) -> bool:
    if file.sha256:
        return file_digest(path) == file.sha256
    content = path.read_bytes()
    # git names a file by the hash of its length and content
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.git_blob
