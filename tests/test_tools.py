"""The tools of contributors: the start of a package, and documents made from paper.yaml."""

import os
import subprocess
import sys

import pytest
import yaml

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


def test_every_benchmark_finds_what_it_imports():
    names = sorted(file.stem for file in (ROOT / "benchmarks").glob("*.py"))
    code = f"import importlib; [importlib.import_module(name) for name in {names}]"
    done = run(sys.executable, "-c", code, PYTHONPATH=str(ROOT / "benchmarks"))
    assert done.returncode == 0, done.stderr
