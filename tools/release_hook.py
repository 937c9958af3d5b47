"""Metadata of a package's wheel: what it asks of shared, by path here and by version for others.

In the checkout a package depends on the folder of shared beside it. A wheel that is built with
TENPAPERS_RELEASE=1 goes to people without this checkout: it asks for shared of the same version.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

SHARED = Path(__file__).resolve().parents[1] / "shared" / "pyproject.toml"


class ReleaseHook(MetadataHookInterface):
    """Called by hatchling with the `[project]` table."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the classifiers; for a release, name shared by its version."""
        metadata["classifiers"] = [
            "Intended Audience :: Science/Research",
            "Topic :: Scientific/Engineering :: Artificial Intelligence",
        ]
        if os.environ.get("TENPAPERS_RELEASE") != "1":
            return
        version = tomllib.loads(SHARED.read_text(encoding="utf-8"))["project"]["version"]
        every = [metadata["dependencies"], *metadata.get("optional-dependencies", {}).values()]
        for requirements in every:
            for number, requirement in enumerate(requirements):
                if shared := re.match(r"(tenpapers-shared(?:\[[\w,-]+\])?) @ ", requirement):
                    requirements[number] = f"{shared[1]}=={version}"
