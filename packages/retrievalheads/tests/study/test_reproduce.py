"""A small study, whole."""

import json

import yaml

from ..conftest import in_process, wrong


def test_reproduce_goes_on_where_it_was_and_guards_its_folder(tmp_path, capsys):
    """A small study, whole: table, figure, manifest; then again without any work."""
    config = {
        "world": "toy",
        "planted": 0,
        "variants": ["hh", "real-limited", "real-full"],
        "patch": ["hh"],
        "n_train": 8,
        "smaller": [4],
        "n_dev": 4,
        "n_test": 3,
        "toy_facts": 4,
        "patch_examples": 2,
        "short_tokens": 64,
        "extras": ["real-short", "mixed", "no-lora"],
        "knock": ["hh"],
        "ks": [0, 2],
        "control_seeds": 0,
        "train": {
            "context_tokens": 128,
            "lora_r": 2,
            "lr": 0.01,
            "batch_size": 16,
            "micro_batch": 16,
            "epochs": 1,
        },
    }
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(config))
    out = tmp_path / "out"
    first = in_process(capsys, "reproduce", "--config", file, "--out", out)
    for claim in range(1, 6):
        assert f"({claim})" in first
    assert "Knockout, toy, hh, seed 0, zero/all: F1" in first
    knocked, other = json.loads((out / "adapters.json").read_text())
    assert other["name"] == "toy, hh, seed 1"
    assert [row["k"] for row in knocked["rows"]] == [0, 2] and knocked["n"] == 2
    for name in ("report.md", "table.csv", "study.png", "results.json", "manifest.json"):
        assert (out / name).stat().st_size
    runs = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    sizes = [(r["name"], r["n_train"]) for r in runs if "base" not in r["name"] and not r["seed"]]
    assert sizes == [
        *[("hh", 8), ("hh", 4), ("real-limited", 8), ("real-full", 8)],
        *[("real-short", 8), ("mixed", 8), ("no-lora", 8)],
    ]
    assert [r["seed"] for r in runs] == [0] * 9 + [1] * 9
    assert [bool(r["failed"]) for r in runs if r["name"] == "real-full"] == [True, True]
    assert first.count("reference failed") == 4
    stamps = {f: f.stat().st_mtime_ns for f in out.glob("runs/toy/*/*/*") if f.is_file()}
    in_process(capsys, "reproduce", "--config", file, "--out", out)
    assert stamps == {f: f.stat().st_mtime_ns for f in out.glob("runs/toy/*/*/*") if f.is_file()}
    message = wrong("reproduce", "--config", file, "--seed", 1, "--out", out)
    assert "holds a run with other settings: seed was 0 and is 1" in message
