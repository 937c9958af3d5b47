"""The tools of contributors: the start of a package, and documents made from paper.yaml."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import yaml
from packaging.requirements import Requirement

from .house import PACKAGES, ROOT

WAITING = sorted(yaml.safe_load((ROOT / "tools" / "papers_to_come.yaml").read_text()) or {})


def run(*words, cwd=ROOT, **environment):
    return subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | environment
    )


@pytest.mark.skipif(not WAITING, reason="every paper has its package")
def test_a_new_package_passes_lint_and_its_tests(tmp_path):
    name = WAITING[0]
    made = run(sys.executable, "tools/new_package.py", name, "--root", tmp_path)
    assert made.returncode == 0 and "[ ]" in made.stdout
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for words in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        done = run(sys.executable, "-m", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
    source = tmp_path / "packages" / name / "src"
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"packages/{name}")
    done = run(*tests, cwd=tmp_path, PYTHONPATH=str(source))
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout
    again = run(sys.executable, "tools/new_package.py", name, "--root", tmp_path)
    assert again.returncode == 1 and again.stderr.endswith("is there already\n")


def test_a_package_that_no_paper_waits_for_is_refused(tmp_path):
    done = run(sys.executable, "tools/new_package.py", "nothing", "--root", tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: nothing: no such paper to come")


def test_the_documents_are_as_paper_yaml_says():
    done = run(sys.executable, "tools/make_docs.py", "--check")
    assert done.returncode == 0, done.stderr


def test_the_citation_names_every_paper():
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert len(content["references"]) == len({*PACKAGES, *WAITING})
    assert all(entry["authors"] and entry["year"] for entry in content["references"])


@pytest.fixture
def setup_tool(monkeypatch):
    """The module behind `make setup`; it has brought uv where the tests run by `make test`."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "tools" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not (shutil.which("uv") or (ROOT / ".setup" / "bin" / "uv").exists()):
        pytest.skip("no uv here: make setup brings it")
    found = module.uv()
    monkeypatch.setattr(module, "uv", lambda: found)
    return module


def test_whatever_setup_installs_has_a_hash(setup_tool, monkeypatch):
    monkeypatch.setattr(setup_tool, "checked_torch", lambda: "")
    for mode in ("cpu", "gpu"):
        lines = setup_tool.requirements(mode).replace("\\\n", " ").splitlines()
        named = [
            line.partition("--hash=sha256:") for line in lines if line.lstrip()[:1] not in ("", "#")
        ]
        asked = [(Requirement(name.strip()), digest) for name, _, digest in named]
        here = [
            (name, digest) for name, digest in asked if not name.marker or name.marker.evaluate()
        ]
        assert len(here) > 150 and [name for name, digest in here if not digest] == []


def test_wheels_for_others_need_no_checkout(setup_tool, tmp_path):
    """Shared and a package, built as a release and put into an empty folder elsewhere."""
    for member in ("shared", f"packages/{PACKAGES[0]}"):
        words = ("build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), member)
        built = run(setup_tool.uv(), *words, TENPAPERS_RELEASE="1")
        if built.returncode and "Failed to fetch" in built.stderr:
            pytest.skip("no package index here that has hatchling")
        assert built.returncode == 0, built.stderr
    wheels = sorted((tmp_path / "dist").glob("*.whl"))
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(tmp_path / "others")
    (metadata,) = (tmp_path / "others").glob(f"{PACKAGES[0]}-*.dist-info/METADATA")
    asked = re.findall(r"^Requires-Dist: (tenpapers-shared.*)", metadata.read_text(), re.MULTILINE)
    assert len(wheels) == 2 and asked
    assert all(re.match(r"tenpapers-shared(\[[\w,-]+\])?==0\.1\.0", line) for line in asked), asked
    show = f"import {PACKAGES[0]}, tenpapers, tenpapers.sandbox.inside as inside; "
    show += f"from {PACKAGES[0]}.cli.main import main; "
    show += f"print({PACKAGES[0]}.__file__, tenpapers.__file__, *inside.__path__); main()"
    others = str(tmp_path / "others")
    done = run(sys.executable, "-c", show, "--help", cwd=tmp_path, PYTHONPATH=others)
    assert done.returncode == 0, done.stderr
    places, _, told = done.stdout.partition("\n")
    assert all(place.startswith(others) for place in places.split()), places
    assert (
        "Usage:" in told
        and (tmp_path / "others/tenpapers/sandbox/inside/system_calls.txt").exists()
    )


def test_setup_refuses_a_file_with_another_hash_than_the_locked_one(
    setup_tool, tmp_path, monkeypatch, capfd
):
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("tiny.py", "")
        packed.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        packed.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        packed.writestr("tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setattr(setup_tool, "ROOT", tmp_path)
    setup_tool.run(setup_tool.uv(), "venv", "--quiet", ".venv", folder=tmp_path)
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SystemExit):
        setup_tool.sync(listed)
    assert "Hash mismatch" in capfd.readouterr().err
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    listed.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{right}\n")
    setup_tool.sync(listed)
    assert list(tmp_path.glob(".venv/lib/*/site-packages/tiny.py"))


def test_the_environment_of_a_login_node_is_not_taken_for_that_of_a_gpu_node(setup_tool):
    assert setup_tool.state("cpu") != setup_tool.state("gpu")
    assert setup_tool.state("cpu") == setup_tool.state("cpu")


def test_every_benchmark_finds_what_it_imports(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    files = (ROOT / "benchmarks").glob("*.py")
    for file in sorted(files, key=lambda file: file.stem != "timing"):  # which others import
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, file.stem, module)
        spec.loader.exec_module(module)
