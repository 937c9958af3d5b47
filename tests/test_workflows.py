"""What the workflows of CI say: none hangs, writes, or runs what nobody looked at."""

import re
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from .house import ROOT

FOLDER = ROOT / ".github" / "workflows"


def flow(name):
    return yaml.safe_load((FOLDER / name).read_text())


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.iterdir()))
def test_a_workflow_only_reads_ends_in_time_and_pins_what_it_uses(name):
    found = flow(name)
    assert found["permissions"] == {"contents": "read"}
    assert found["concurrency"]["group"] and "cancel-in-progress" in found["concurrency"]
    assert found["env"]["HF_TOKEN"] == "${{ secrets.HF_TOKEN }}"  # for gated models
    for job in found["jobs"].values():
        assert job["timeout-minutes"] > 0
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used), used


def test_every_package_is_tested_on_every_python_that_it_takes():
    job = flow("ci.yml")["jobs"]["package"]
    shared = tomllib.loads((ROOT / "shared" / "pyproject.toml").read_text())
    taken = SpecifierSet(shared["project"]["requires-python"])
    assert job["strategy"]["matrix"]["python"] == [
        version for minor in range(8, 20) if (version := f"3.{minor}") in taken
    ]
    assert any(step.get("with", {}).get("cache") == "pip" for step in job["steps"])
