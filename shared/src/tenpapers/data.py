"""Where a paper's published data lie on this machine."""

import os
from pathlib import Path

from .errors import UserError


def folder(package: str) -> Path | None:
    """Find the published data of a package.

    `$TENPAPERS_DATA/<package>` where that variable is set; else `shared/data/<package>` beside the
    checkout that this code runs from, or the user's data folder.

    Returns
    -------
    The folder, or None where the data were not brought yet.

    Raises
    ------
    UserError : $TENPAPERS_DATA names a folder that does not exist.
    """
    if named := os.environ.get("TENPAPERS_DATA"):
        if not Path(named).is_dir():
            raise UserError(f"TENPAPERS_DATA={named}: no such folder")
        places = [Path(named)]
    else:
        places = [_beside_the_checkout(), user_folder()]
    return next((base / package for base in places if (base / package).is_dir()), None)


def user_folder() -> Path:
    """The user's data folder of all packages, whether it exists or not."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "tenpapers"


def _beside_the_checkout() -> Path:
    return Path(__file__).resolve().parents[4] / "shared" / "data"
