"""`data fetch` of every package that makes its data from published files."""

import os
import subprocess

import pytest
from tenpapers.data import Published
from tenpapers.paper import load_paper
from tenpapers.testing import fails, start

from .house import PACKAGES, source

FETCHED = [package for package in PACKAGES if list(source(package).glob("inputs/fetched*"))]


@pytest.fixture
def places(tmp_path, monkeypatch):
    for name in ("CACHE", "DATA", "MIRROR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"TENPAPERS_{name}", str(tmp_path / name))
    return tmp_path


@pytest.mark.parametrize("package", FETCHED)
def test_what_is_not_the_published_file_is_refused_and_leaves_nothing(package, places):
    home, first = Published(load_paper(package), places / "CACHE").wanted[0]
    file = places / "MIRROR" / home.repository / home.commit / first.path
    told = f"{home.repository}: {first.path}"
    fails(package, "data", "fetch", told=[f"{told}: cannot be fetched: No such file"])
    file.parent.mkdir(parents=True)
    file.write_text("not the published file")
    fails(package, "data", "fetch", told=[f"{told}: is not the published file: its hash differs"])
    assert not list((places / "DATA").iterdir()) and not list(places.rglob("*.partial"))


@pytest.mark.parametrize("package", FETCHED)
def test_every_hash_and_home_is_known(package):
    for home in load_paper(package).data:
        assert len(home.commit) == 40
        assert all(file.sha256 or file.git_blob for file in home.files if file.makes)


@pytest.mark.parametrize("package", FETCHED)
def test_reproduce_says_how_to_get_the_data_before_it_begins(package, places, monkeypatch):
    monkeypatch.delenv("TENPAPERS_CACHE")  # the embedded models lie in the user's own
    words = start(package, "reproduce", "--scale", "cpu", "--out", places / "out")
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        said = next((line for line in process.stderr if "data fetch" in line), "")
        process.kill()
    assert said == (
        f"the paper's published data are not here: `{package} data fetch` brings them\n"
    )
