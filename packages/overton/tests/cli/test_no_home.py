"""Of a user whose home cannot be written to, or is not there: what works, and what is said."""

import pytest
from overton.judging import local_stance
from overton.judging.local_stance import Labelled
from tenpapers.models.loading import resolve_name
from tenpapers.testing import command, fails, read_rows, write_rows

from ..conftest import responses


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home below a file, in which root cannot make anything either."""
    minilm = resolve_name("minilm")  # where it lies already
    (tmp_path / "file").write_bytes(b"")
    for name in ("TENPAPERS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "me"))
    return minilm


def test_models_are_asked_and_vectors_made_though_nothing_can_be_remembered(
    home, prompts, tmp_path, caplog
):
    rows = [{"id": f"{n}|0", "text": f"answer {n}"} for n in range(3)]
    recorded = f"replay:{write_rows(tmp_path / 'one.jsonl', rows)}"
    out = tmp_path / "run" / "m.jsonl"
    command("overton", "generate", prompts, "--model", recorded, "-n", 1, "--out", out)
    assert [row["outputs"][0]["generated_text"] for row in read_rows(out)] == [
        "answer 0",
        "answer 1",
        "answer 2",
    ]
    vectors = tmp_path / "run" / "emb.npz"
    command("overton", "embed", prompts, "--encoder", home, "--out", vectors)
    assert "vectors are not remembered" in caplog.text and vectors.is_file()


def test_a_model_that_would_be_fetched_into_the_cache_is_told_with_what_to_set(
    home, prompts, tmp_path
):
    told = ["minilm: Not a directory; set TENPAPERS_CACHE to a folder that you can write to"]
    fails("overton", "embed", prompts, "--out", tmp_path / "emb.npz", told=told)
    words = ["generate", prompts, "--model", "smollm2", "--out", tmp_path / "m.jsonl"]
    fails("overton", *words, told=["smollm2: Not a directory; set TENPAPERS_CACHE"])


def test_local_stance_measures_its_agreement_again(home, tmp_path, monkeypatch, capsys):
    known = [Labelled(n, word, word) for n in range(9) for word in ("yes", "no")]
    monkeypatch.setattr(local_stance, "data_folder", lambda package: tmp_path)
    monkeypatch.setattr(local_stance, "labelled", lambda folder: known)
    samples = responses(tmp_path / "m.jsonl", ["yes"], ["no"])
    words = ["judge", "stance", samples, "--judge", "local-stance", "--out", tmp_path / "v.jsonl"]
    command("overton", *words)
    assert "on 1.000 of 18 responses" in capsys.readouterr().out


def test_tables_and_figures_are_made(home, tmp_path):
    files = [responses(tmp_path / f"{name}.jsonl", ["red car", "sea"]) for name in ("a", "b")]
    out = tmp_path / "run"
    command("overton", "analyse", *files, "--metric", "jaccard", "--out", out)
    assert (out / "report.md").is_file() and list((out / "figures").glob("*.png"))
