"""The commands one after the other, as a user runs them; help; public names."""

import json
import subprocess
import sys

import pytest
import retrievalheads
from retrievalheads.cli.main import app
from tenpapers.testing import imports_of_help

from ..conftest import toy_spec, typed, wrong

COMMANDS = [
    "build-data",
    "train",
    "evaluate",
    "detect",
    "niah",
    "compare",
    "correlate",
    "similarity",
    "knockout",
    "patch",
    "import-wu",
    "export-wu",
    "attention-map",
    "heat-map",
    "bench",
    "report",
    "reproduce",
]
PNG = b"\x89PNG"


def test_help_loads_neither_torch_nor_transformers():
    """Of the whole and of a command; the modules of all commands are loaded in any case."""
    for words in ((), ("patch",)):
        loaded = imports_of_help("retrievalheads", *words)
        assert not loaded & {"torch", "transformers", "peft", "scipy", "matplotlib"}


def test_every_command_has_its_help(capsys):
    for command in COMMANDS:
        app([command, "--help"], standalone_mode=False)
        told = capsys.readouterr().out
        assert "Usage:" in told and "Example: retrievalheads" in told


def test_the_whole_chain_of_commands(world, tmp_path, capsys):
    """train, evaluate, detect, compare, heat-map, knockout, patch, attention-map."""
    spec, real = toy_spec(), tmp_path / "real-full"
    dev, test = world / "real-full/dev.jsonl", world / "real-full/test.jsonl"
    for variant in ("real-full", "lh"):
        adapter = tmp_path / variant
        typed(
            capsys,
            f"train --model {spec} --data {world / variant} --out {adapter} --context-tokens 128 "
            "--lora-r 4 --lr 0.01 --epochs 1 --batch-size 8 --micro-batch 8",
        )
        state = json.loads((adapter / "train_state.json").read_text())
        assert state["n_train"] == 32 and len(state["losses"]) == 4
        text = typed(
            capsys,
            f"detect --model {spec} --adapter {adapter} --data {dev} --out {adapter}.json "
            "--batch-size 4 --json",
        )
        assert json.loads(text)["n_used"] == 12
    evaluate = f"evaluate --model {spec} --adapter {tmp_path}/lh --data {test} --json"
    metrics = json.loads(typed(capsys, f"{evaluate} --out {tmp_path}/eval --no-cache"))
    assert metrics["n"] == 10 and 0 <= metrics["f1"] <= 1
    off = typed(capsys, f"{evaluate} --out {tmp_path}/off --knockout {tmp_path}/lh.json:6")
    assert json.loads(off)["f1"] <= metrics["f1"]
    assert len((tmp_path / "eval/predictions.jsonl").read_text().splitlines()) == 10
    pair = f"{tmp_path}/real-full.json {tmp_path}/lh.json"
    found = json.loads(
        typed(capsys, "compare --ref {} --other {} --nonzero --json".format(*pair.split()))
    )
    assert found["n_both"] <= min(found["n_ref"], found["n_other"])
    assert set(found["rules"]) == {"> 0", ">= 0.1", ">= 0.2", "top 10", "top 20"}
    typed(
        capsys,
        f"knockout --model {spec} --adapter {real} --data {test} --scores {real}.json --k 0,2,4 "
        f"--control-seeds 2 --threshold 2 --out {tmp_path}/ko",
    )
    rows = json.loads((tmp_path / "ko/knockout.json").read_text())["rows"]
    assert [(row["arm"], row["k"]) for row in rows] == [
        ("top", 0),
        ("top", 2),
        ("random", 2),
        ("random", 2),
        ("top", 4),
        ("random", 4),
        ("random", 4),
    ]
    patch = (
        f"patch --model {spec} --target {tmp_path}/lh --source {real} --target-scores "
        f"{tmp_path}/lh.json --source-scores {real}.json --data {test} --nonzero --max-examples 4 "
        f"--json --out {tmp_path}"
    )
    arms = json.loads(typed(capsys, f"{patch}/patch"))["arms"]
    assert set(arms) == {"original", "complement", "intersection", "random"}
    line = f"similarity {pair} --nonzero --out {tmp_path}/matrix.png --json"
    assert json.loads(typed(capsys, line))[0]["cosine"] == pytest.approx(found["cosine"])
    typed(capsys, f"heat-map {tmp_path}/lh.json --out {tmp_path}/heat.png")
    typed(
        capsys,
        f"attention-map --model {spec} --adapter {real} --data {dev} --heads 1-2,2-0 "
        f"--out {tmp_path}/map.png",
    )
    for name in ("heat.png", "map.png", "matrix.png", "ko/knockout.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_adapters_of_different_rope_are_not_patched(world, tmp_path, capsys):
    spec, out = toy_spec(), tmp_path
    for name, rope in (("a", "ntk"), ("b", "theta=2e4")):
        typed(
            capsys,
            f"train --model {spec} --data {world}/lh --out {out}/{name} --context-tokens 128 "
            f"--epochs 1 --batch-size 32 --micro-batch 16 --rope {rope}",
        )
        typed(
            capsys,
            f"detect --model {spec} --adapter {out}/{name} --data {world}/lh/dev.jsonl "
            f"--out {out}/{name}.json",
        )
    told = wrong(
        *f"patch --model {spec} --target {out}/a --source {out}/b --target-scores {out}/a.json "
        f"--source-scores {out}/b.json --data {world}/lh/test.jsonl --out {out}/p".split()
    )
    assert "different RoPE bases" in told


def test_settings_of_a_training_are_read_from_a_file_and_options_win(world, tmp_path, capsys):
    """And the config that the training kept gives the same training again."""
    config = tmp_path / "train.yaml"
    config.write_text(
        "context_tokens: 128\nlora_r: 2\nbatch_size: 32\nmicro_batch: 16\nepochs: 1\n"
    )
    line = f"train --model {toy_spec()} --data {world}/lh --config {config} --lora-r 3 --out"
    typed(capsys, f"{line} {tmp_path}/a")
    kept = json.loads((tmp_path / "a/train_state.json").read_text())["config"]
    assert (kept["lora_r"], kept["batch_size"], kept["context_tokens"]) == (3, 32, 128)
    assert kept["lora_alpha"] == 32


def test_public_names_are_functions_and_not_modules():
    """No module has the name of a public function: the import system would put it in its place."""
    names = ", ".join(retrievalheads.__all__)
    code = f"from retrievalheads import {names}; print(all(map(callable, ({names}))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
