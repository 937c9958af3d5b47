import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def data_folder():
    named = os.environ.get("TENPAPERS_DATA")
    base = Path(named) if named else Path(__file__).parents[4] / "shared" / "data"
    return base / "codeupdatearena"


@pytest.fixture(scope="session")
def data():
    """The real inputs; tests that need them are skipped where they are absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("no ../shared/data/codeupdatearena here (see its SOURCE.md)")
    return folder


@pytest.fixture(scope="session")
def real(data):
    from codeupdatearena.inputs.arena import load_arena

    return load_arena(data / "arena-grouped.jsonl.gz")


@pytest.fixture(scope="session")
def mini():
    """The arena that ships with the package."""
    from codeupdatearena.inputs.arena import load_arena
    from codeupdatearena.study.settings import bundled_arena

    return load_arena(bundled_arena())


@pytest.fixture(scope="session")
def mini_file():
    from codeupdatearena.study.settings import bundled_arena

    return bundled_arena()


@pytest.fixture(scope="session")
def lm():
    from tenpapers.models import load_causal_lm

    return load_causal_lm("smollm2")


@pytest.fixture
def cli():
    """Run the command line in a process of its own; gives exit code, output and errors."""

    def call(*arguments, **environment):
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "from codeupdatearena.cli.main import main; main()",
                *map(str, arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )

    return call


def by_id(arena, start):
    """The first example whose id begins so."""
    return next(e for e in arena.examples if e.prog_syn_id.startswith(start))
