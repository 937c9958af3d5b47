import re
import tomllib
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lock():
    if not (ROOT / ".venv" / ".installed").exists():
        pytest.skip("this environment was not made by `make setup`")
    return tomllib.loads((ROOT / "uv.lock").read_text())


def test_installed_versions_are_the_locked_ones(lock):
    # A package can be locked more than once: another version for another Python.
    locked = defaultdict(set)
    for package in lock["package"]:
        if "version" in package:
            locked[package["name"]].add(package["version"].partition("+")[0])
    differing, seen = [], 0
    for name, versions in locked.items():
        try:
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue  # another platform's or another extra's
        seen += 1
        if installed not in versions:
            differing.append((name, versions, installed))
    assert differing == [] and seen > 100


def test_the_lock_names_no_index(lock):
    text = (ROOT / "uv.lock").read_text()
    hosts = set(re.findall(r"https?://([^/\"]+)", text))
    assert hosts == {"package-index.invalid"}


def test_cuda_builds_that_break_cpu_torch_are_absent():
    import torch

    if torch.version.cuda:
        pytest.skip("a CUDA environment")
    for name in ("torchvision", "torchaudio", "torchcodec", "llama-cpp-python"):
        with pytest.raises(PackageNotFoundError):
            version(name)
