"""Library profiles: which versions the sandbox's programs see."""

import hashlib
import json
import logging
import subprocess
import sys
import sysconfig
import venv
from importlib.resources import files

from tenpapers.errors import UserError
from tenpapers.models.embedded import cache_folder

from .settings import Profile

log = logging.getLogger(__name__)


def interpreter(profile: Profile) -> str | None:
    """Give the Python that runs the programs of a profile; None for this environment's own.

    `paper` is a virtual environment with the paper's numpy, pandas, scipy and sympy
    (`data/profile-paper.txt`), made once in the user's cache; everything else, torch above all,
    comes from this environment.

    Raises
    ------
    UserError : the old versions cannot be installed.
    """
    if profile == "current":
        return None
    lock = files("codeupdatearena").joinpath("data/profile-paper.txt").read_text()
    identity = f"{lock}\n{sys.version}\n{sys.prefix}"
    folder = cache_folder() / "profiles" / hashlib.sha256(identity.encode()).hexdigest()[:12]
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return str(python)
    log.info("installing the paper's library versions (once)")
    venv.EnvBuilder(with_pip=True, clear=True).create(folder)
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", "/dev/stdin"],
        input=lock,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise UserError(
            f"profile paper: {reason}", "is a package index reachable? else --profile current"
        )
    # After its own packages the profile sees ours.
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "tenpapers.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "complete").touch()
    return str(python)


LIBRARIES = ("numpy", "pandas", "scipy", "sympy", "torch", "codeupdatearena", "tenpapers-shared")
_ASK = """
import importlib.metadata, json, sys
found = {"python": sys.version.split()[0]}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def library_versions(python: str | None = None) -> dict[str, str]:
    """Give the versions of Python and of the libraries that an interpreter's programs see.

    Parameters
    ----------
    python : from `interpreter`; None is this one.
    """
    command = [python or sys.executable, "-c", _ASK, *LIBRARIES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
