import json
from contextlib import nullcontext

import pytest
from overton.study import live as module
from overton.study.live import ARMS
from tenpapers.testing import command, fails, read_rows, write_rows

from ..conftest import QUESTIONS


@pytest.fixture
def published(tmp_path):
    """The least that a study needs, and three contested questions with a few verdicts."""
    root = tmp_path / "data"
    write_rows(root / "LIMA-OE" / "outputs" / "m.jsonl", [{"outputs": ["red car", "blue car"]}])
    rows = [
        {"metadata": {"instance_id": n}, "messages": [{"role": "user", "content": question}]}
        for n, question in enumerate(QUESTIONS)
    ]
    write_rows(root / "ConflictingQA" / "instances.jsonl.gz", rows)
    return root


def test_a_live_part_samples_and_measures_every_arm(published, tmp_path, model, monkeypatch):
    monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext(model))
    out = tmp_path / "run"
    words = ["reproduce", "--data", published, "--no-semantic", "--live", "--out", out]
    few = ["--live-questions", 2, "--live-samples", 2, "--live-tokens", 12, "--no-cache"]
    command("overton", *words, *few)
    live = json.loads((out / "results.json").read_text())["live"]
    assert list(live["samples"]) == list(ARMS) and live["questions"] == 2
    assert all(counts["samples"] == 4 for counts in live["samples"].values())
    assert set(live["similarity"]) == set(ARMS) == set(live["diversity"])
    assert live["similarity"]["query-alone"]["jaccard_gap_closed"] in (0, None)
    assert live["tokens"] > 0 and live["stance"] == {}
    # evenly spread; the hint is how the aligned model's first answer begins
    assert [row["metadata"]["instance_id"] for row in read_rows(out / "live/aligned.jsonl")] == [
        0,
        2,
    ]
    aligned, hints = (read_rows(out / "live" / f"{name}.jsonl") for name in ("aligned", "hints"))
    for row, hint in zip(aligned, hints, strict=True):
        said = row["outputs"][0]["generated_text"].split()
        assert (
            hint["outputs"][0]["generated_text"].split()
            == said[: len(hint["outputs"][0]["generated_text"].split())]
        )
    report = (out / "report.md").read_text()
    assert "not how far prompts reach" in " ".join(report.split()) and "No stances" in report
    command("overton", *words, *few)  # what was sampled is kept
    assert json.loads((out / "results.json").read_text())["live"]["tokens"] == 0


def test_without_questions_a_live_part_is_refused(published, tmp_path, model, monkeypatch):
    monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext(model))
    (published / "ConflictingQA" / "instances.jsonl.gz").unlink()
    words = ["reproduce", "--data", published, "--no-semantic", "--live"]
    fails("overton", *words, "--out", tmp_path / "run", told=["--live: no ConflictingQA"])
