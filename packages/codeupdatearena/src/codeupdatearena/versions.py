"""Which libraries a verdict was made with."""

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("numpy", "pandas", "scipy", "sympy", "torch", "codeupdatearena", "tenpapers-shared")


def library_versions() -> dict[str, str]:
    """Give the versions of Python and the libraries that the benchmark's programs import."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
