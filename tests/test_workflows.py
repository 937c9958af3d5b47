"""What the workflows of CI say: none hangs, writes, or runs what nobody looked at."""

import re
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from .house import PACKAGES, ROOT

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


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.iterdir()))
def test_what_a_workflow_calls_is_there(name):
    makefile = (ROOT / "Makefile").read_text()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    markers = settings["tool"]["pytest"]["ini_options"]["markers"]
    known = {marker.partition(":")[0] for marker in markers} | {"not", "and", "or"}
    found = flow(name)
    for job in found["jobs"].values():
        assert set(job.get("needs", "").split()) <= set(found["jobs"])
        text = "\n".join(step.get("run", "") for step in job["steps"])
        text = text.replace("${{ matrix.package }}", PACKAGES[0])
        paths = r"(?<![\w/$-])(?:\./)?((?:shared|packages|tools|\.ci)\b[\w/*.-]*)"
        for path in re.findall(paths, text):
            assert list(ROOT.glob(path)), path
        for name in re.findall(r"^make \"?([a-z]+)", text, re.MULTILINE):
            target = rf"^{name}:|\(PACKAGES:%={name}-%\):"
            assert re.search(target, makefile, re.MULTILINE), name
        for marks in re.findall(r"pytest .*-m (\"[^\"]+\"|\w+)", text):
            assert set(re.findall(r"\w+", marks)) <= known, marks


def test_every_package_is_tested_on_every_python_that_it_takes():
    job = flow("ci.yml")["jobs"]["package"]
    shared = tomllib.loads((ROOT / "shared" / "pyproject.toml").read_text())
    taken = SpecifierSet(shared["project"]["requires-python"])
    assert job["strategy"]["matrix"]["python"] == [
        version for minor in range(8, 20) if (version := f"3.{minor}") in taken
    ]
    assert any(step.get("with", {}).get("cache") == "pip" for step in job["steps"])


def test_the_lowest_versions_are_tested():
    steps = flow("ci.yml")["jobs"]["lowest"]["steps"]
    text = "\n".join(step.get("run", "") for step in steps)
    assert "--resolution lowest-direct ./shared ./packages/*" in text and "-m pytest" in text
