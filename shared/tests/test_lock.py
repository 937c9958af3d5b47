import re
import sysconfig
import tomllib
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, distributions, version
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
    # Of this environment alone: libraries put folders of vendored copies on the path.
    installed = {
        found.name.lower().replace("_", "-"): found.version.partition("+")[0]
        for found in distributions(path=[sysconfig.get_path("purelib")])
    }
    known = installed.keys() & locked.keys()
    assert len(known) > 100
    assert {name: installed[name] for name in known if installed[name] not in locked[name]} == {}


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
