"""Every command that writes row by row or stage by stage keeps the promises of runs."""

import json
import shutil

import pytest
import torch
import yaml
from retrievalheads.cli.main import app
from retrievalheads.heads import needle_in_haystack
from retrievalheads.heads.score_files import HeadScores
from retrievalheads.inputs.fact_writers import shipped_passages
from retrievalheads.inputs.toy.examples import toy_examples
from retrievalheads.study.settings import toy_checkpoint
from tenpapers.journal import Journal
from tenpapers.records import write_jsonl
from tenpapers.testing import (
    Journalled,
    check_journal,
    command,
    kill_process,
    read_rows,
    tiny_checkpoint,
    write_rows,
)

from ..conftest import fresh, scores_of, toy_spec, wrong
from ..study.fabricated import fabricated

TUNING = ["--context-tokens", 128, "--lora-r", 2, "--epochs", 1, "--batch-size", 32]
TUNED_MODEL = ["--context-tokens", 128, "--rope", "ntk"]


@pytest.fixture(scope="module")
def files(world, toy, tmp_path_factory):
    """Datasets that a test may change, another model, adapters, scores."""
    folder = tmp_path_factory.mktemp("files")
    shutil.copytree(world / "lh", folder / "lh")
    shutil.copy(shipped_passages(), folder / "passages.jsonl")
    shutil.copytree(toy_checkpoint(), folder / "base")
    other = fresh(toy)
    next(other.model.parameters()).data += 0.1
    other.model.save_pretrained(folder / "other")
    other.tokenizer.save_pretrained(folder / "other")
    tiny_checkpoint(folder / "reader", noise=0.05)
    for seed, name in enumerate(("hh", "real")):
        data = ("--data", folder / "lh", "--out", folder / name, "--seed", seed)
        command("retrievalheads", "train", "--model", toy_spec(), *data, *TUNING)
        draw = torch.Generator().manual_seed(seed)
        scores = HeadScores("m", "copy", "teacher", torch.rand(1, 4, 8, generator=draw), ids=["a"])
        scores.save(folder / f"{name}.json")
    return folder


def build(files):
    words = "--task mdqa --variant hh --n 3 --n-dev 1 --n-test 1 --context-tokens 1200"
    inputs = ["--source", files / "passages.jsonl", "--tokenizer", files / "reader"]
    return Journalled(
        ["build-data", *words.split(), *inputs],
        outputs=["train.jsonl", "dev.jsonl", "test.jsonl", "manifest.json"],
        others=[(["--seed", 1], "seed was 0 and is 1")],
        changed=files / "passages.jsonl",
        kills=2,
    )


def train(files):
    return Journalled(
        ["train", "--model", toy_spec(), "--data", files / "lh", *TUNING],
        outputs=["adapter_model.safetensors", "train_state.json"],
        others=[(["--lr", 0.5], "lr was 0.0002 and is 0.5"), another_model(files)],
        changed=files / "lh" / "train.jsonl",
        kills=1,
    )


def another_model(files):
    told = f"model hf:{files / 'other'} is not {toy_spec()} of then"
    return ["--model", f"hf:{files / 'other'}"], told


def evaluate(files):
    data = files / "lh" / "test.jsonl"
    return Journalled(
        ["evaluate", "--model", toy_spec(), "--data", data, "--no-cache", *TUNED_MODEL],
        outputs=["predictions.jsonl", "metrics.json"],
        others=[
            (["--rope", "none"], 'rope was "ntk" and is "none"'),
            (["--knockout", "1-1"], "knockout was [] and is [[1, 1]]"),
            another_model(files),
        ],
        changed=data,
        failed=lambda row: row | {"scores": {}, "error": "busy"},
    )


def detect(files):
    data = files / "lh" / "dev.jsonl"
    return Journalled(
        ["detect", "--model", toy_spec(), "--data", data, *TUNED_MODEL],
        out="scores.json",
        others=[
            (["--context-tokens", 256], "context_tokens was 128 and is 256"),
            (["--adapter", files / "hh"], "adapter was null and is "),
            another_model(files),
        ],
        changed=data,
        failed=None,
    )


def niah(files):
    (files / "hay.txt").write_text("A cat sat on a mat. " * 80)
    needle = {"needle": "The gate is blue.", "question": "What is the gate?", "answer": "blue"}
    write_rows(files / "needles.jsonl", [needle])
    words = ["--lengths", 300, "--depths", 2, "--haystack", files / "hay.txt"]
    words += ["--needles", files / "needles.jsonl"]
    return Journalled(
        ["niah", "--model", f"hf:{files / 'reader'}", *words],
        out="niah.json",
        others=[
            (["--depths", 3], "depths was 2 and is 3"),
            (["--model", f"hf:{files / 'base'}"], "model hf:"),
        ],
        changed=files / "hay.txt",
        failed=None,
        ignored=["tokens"],  # of the last run alone
        kills=2,
    )


def knockout(files):
    data = files / "lh" / "test.jsonl"
    words = ["--scores", files / "hh.json", "--threshold", 2, "--k", "0,2", "--no-answers"]
    return Journalled(
        ["knockout", "--model", toy_spec(), "--data", data, *words, *TUNED_MODEL],
        outputs=["knockout.json"],
        others=[(["--kind", "uniform"], 'kind was "zero" and is "uniform"'), another_model(files)],
        changed=files / "hh.json",
        failed=None,
    )


def patch(files):
    data = files / "lh" / "test.jsonl"
    words = ["--target", files / "hh", "--source", files / "real", "--max-examples", 2]
    words += ["--target-scores", files / "hh.json", "--source-scores", files / "real.json"]
    return Journalled(
        ["patch", "--model", toy_spec(), "--data", data, "--threshold", 0.5, *words],
        outputs=["patch.json"],
        others=[(["--seed", 1], "seed was 0 and is 1"), (["--target", files / "real"], "target ")],
        changed=data,
        failed=None,
        kills=2,
    )


def reproduce(files):
    study = {
        "planted": 0,
        "seeds": 1,
        "n_train": 4,
        "n_dev": 3,
        "n_test": 3,
        "toy_facts": 4,
        "patch_examples": 2,
        "variants": ["hh", "real-full"],
        "patch": ["hh"],
        "knock": ["hh"],
        "ks": [0, 2],
        "control_seeds": 0,
        "train": {"context_tokens": 128, "lora_r": 2, "lr": 0.01, "epochs": 1},
    }
    (files / "study.yaml").write_text(yaml.safe_dump(study))
    return Journalled(
        ["reproduce", "--config", files / "study.yaml"],
        outputs=["runs.jsonl", "patch.json", "adapters.json", "results.json"],
        others=[(["--seed", 1], "seed was 0 and is 1")],
        failed=lambda row: row | {"scores": {}, "error": "busy"},
        kills=1,
    )


@pytest.mark.parametrize(
    "case",
    [build, train, evaluate, detect, niah, knockout, patch, reproduce],
    ids=lambda case: case.__name__,
)
def test_a_command_keeps_the_promises_of_runs(case, files, tmp_path, monkeypatch):
    monkeypatch.setattr(needle_in_haystack, "SUCCESS_ROUGE", -1.0)  # a random model finds nothing
    check_journal("retrievalheads", case(files), tmp_path)


ONCE = {
    "import-wu": "import-wu {files}/wu.json --out {out}.json",
    "export-wu": "export-wu {files}/hh.json --out {out}.json",
    "heat-map": "heat-map {files}/hh.json --out {out}.png",
    "similarity": "similarity {files}/hh.json {files}/real.json --out {out}.png",
    "correlate": "correlate --runs {files}/runs.jsonl --out {out}.png",
    "attention-map": (
        "attention-map --model hf:{files}/base --rope ntk --context-tokens 128 "
        "--data {files}/lh/dev.jsonl --heads 1-2 "
        "--out {out}.png"
    ),
}


@pytest.mark.parametrize("name", ONCE)
def test_a_command_that_writes_in_one_go_rewrites_its_own_file_and_no_other(name, files, tmp_path):
    (files / "wu.json").write_text('{"0-0": [0.4, 0.5], "0-1": [0, 0]}')
    rows = [{"recall": n / 3, "f1": n / 4} for n in range(3)]
    (files / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ONCE[name].format(files=files, out=tmp_path / "made").split()
    command("retrievalheads", *words)
    (made,) = (file for file in tmp_path.glob("made.*") if file.suffix in (".json", ".png"))
    first = made.read_bytes()
    made.write_bytes(b"an older one")
    command("retrievalheads", *words)
    assert made.read_bytes() == first
    mine = made.with_name(f"mine{made.suffix}")
    mine.write_text("mine")
    assert "was not made by this run" in wrong(*words[:-1], mine)
    assert mine.read_text() == "mine"


def test_a_report_joins_the_run_whose_folder_it_is_in(tmp_path):
    with Journal(tmp_path, key={"seed": 1}) as journal:
        write_jsonl(journal.file("runs.jsonl"), fabricated())
        journal.file("report.md").write_text("of the run")
    command("retrievalheads", "report", "--runs", tmp_path)
    assert (tmp_path / "report.md").read_text().startswith("# Retrieval heads")
    Journal(tmp_path, key={"seed": 1}).close()
    write_jsonl(tmp_path / "mine" / "runs.jsonl", fabricated())
    (tmp_path / "mine" / "study.png").write_text("mine")
    assert "study.png: was not made by this run" in wrong("report", "--runs", tmp_path / "mine")


def test_a_killed_process_goes_on_where_it_was(files, tmp_path):
    case, out = detect(files), tmp_path / "scores.json"
    words = [*case.arguments, "--out", out]
    kill_process("retrievalheads", *words, file=tmp_path / "scores.json.partial.jsonl", lines=3)
    assert not out.exists()
    command("retrievalheads", *words)
    command("retrievalheads", *case.arguments, "--out", tmp_path / "whole.json")
    killed, whole = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("scores", "whole"))
    assert killed["mean"] == whole["mean"] and killed["n_used"] == 12
    assert not list(tmp_path.glob("*.partial*"))


def test_files_of_a_run_without_a_journal_are_refused(files, tmp_path):
    (tmp_path / "predictions.jsonl").write_text('{"id": "older"}\n')
    told = wrong(*evaluate(files).arguments, "--out", tmp_path)
    assert told.startswith(f"{tmp_path / 'predictions.jsonl'}: was not made by this run; ")


def test_what_got_no_answer_is_counted_and_ends_with_3(world, tmp_path, capsys):
    """Prompts of 128 tokens, a model that reads 64: no row has a score, and all are asked again."""
    words = ["evaluate", "--model", toy_spec(), "--data", world / "lh" / "test.jsonl"]
    words += ["--no-cache", "--json", "--out", tmp_path]
    for _ in range(2):
        assert app([str(word) for word in words], standalone_mode=False) == 3
        metrics = json.loads(capsys.readouterr().out)
        assert metrics == {"n": 0, "failed": 10}
    rows = read_rows(tmp_path / "predictions.jsonl")
    assert len(rows) == 10 and all(row["error"] and row["scores"] == {} for row in rows)


def test_scores_know_the_file_of_their_examples(tmp_path):
    """Two imports under one name, the first moved away: its .npz is the other's."""
    for value, name in ((0.4, "a"), (0.3, "b")):
        (tmp_path / f"{name}.txt").write_text(json.dumps({"0-0": [value], "0-1": [0.0]}))
    pair = ("--ref", tmp_path / "before.json", "--other", tmp_path / "scores.json")
    command("retrievalheads", "import-wu", tmp_path / "a.txt", "--out", tmp_path / "scores.json")
    (tmp_path / "scores.json").rename(tmp_path / "before.json")
    command("retrievalheads", "import-wu", tmp_path / "b.txt", "--out", tmp_path / "scores.json")
    assert "scores.npz: holds other scores than before.json is of" in wrong("compare", *pair)
    (tmp_path / "scores.npz").write_bytes(b"broken")
    content = json.loads((tmp_path / "scores.json").read_text())
    del content["per_example_sha256"]  # as older files are
    (tmp_path / "scores.json").write_text(json.dumps(content))
    assert "scores.npz: broken" in wrong("heat-map", tmp_path / "scores.json", "--out", "x.png")
    scores_of([[0.5, 0.1, 0.0]]).save(tmp_path / "wide.json")
    (tmp_path / "wide.npz").replace(tmp_path / "scores.npz")
    assert "scores of shape (1, 1, 3), scores.json has (1, 2)" in wrong(
        "heat-map", tmp_path / "scores.json", "--out", "x.png"
    )


def test_scores_of_another_model_of_the_same_shape_are_refused(files, tmp_path):
    model, data = ["--model", f"hf:{files / 'other'}"], files / "lh" / "dev.jsonl"
    scores = tmp_path / "other.json"
    command("retrievalheads", *detect(files).arguments, *model, "--out", scores)
    assert json.loads(scores.read_text())["options"]["rope"] == "ntk"
    told = f"{scores}: scores of other weights: hf:{files / 'other'}"
    line = ["knockout", "--data", data, "--scores", scores, "--k", "1", "--threshold", 2]
    line += TUNED_MODEL
    assert told in wrong(*line, "--model", toy_spec(), "--out", tmp_path / "ko")
    pair = [word if word != files / "hh.json" else scores for word in patch(files).arguments]
    told = wrong(*pair, "--allow-different-base", "--out", tmp_path / "p")
    assert "scores of other weights" in told
    command("retrievalheads", *line, *model, "--no-answers", "--out", tmp_path / "ko")


def test_a_prompt_longer_than_the_adapters_read_is_not_patched(files, tmp_path):
    given, long = files / "lh" / "test.jsonl", tmp_path / "long.jsonl"
    write_jsonl(long, toy_examples("lh", "test", 1, context=256, facts=8))
    line = [long if word == given else word for word in patch(files).arguments]
    assert "long.jsonl: 253 tokens, the model reads" in wrong(*line, "--out", tmp_path / "p")


def test_an_adapter_is_refused_on_another_base_whatever_its_name(files, tmp_path):
    """The same weights elsewhere are the same base; other weights under its name are not."""
    line = ["evaluate", "--data", files / "lh" / "test.jsonl", "--adapter", files / "hh"]
    line += ["--max-examples", 1, "--no-cache"]
    command("retrievalheads", *line, "--model", f"hf:{files / 'base'}", "--out", tmp_path / "a")
    shutil.copytree(files / "other", tmp_path / "toy")
    told = wrong(*line, "--model", f"hf:{tmp_path / 'toy'}", "--out", tmp_path / "b")
    assert f"{files / 'hh'}: belongs to other weights than {tmp_path / 'toy'}" in told


def test_settings_of_an_adapter_are_part_of_it(files, tmp_path):
    shutil.copytree(files / "hh", tmp_path / "hh")
    line = ["evaluate", "--model", toy_spec(), "--data", files / "lh" / "test.jsonl"]
    line += ["--adapter", tmp_path / "hh", "--max-examples", 1, "--no-cache"]
    command("retrievalheads", *line, "--out", tmp_path / "out")
    config = tmp_path / "hh" / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"lora_alpha": 400}))
    told = wrong(*line, "--out", tmp_path / "out")
    assert f"adapter {tmp_path / 'hh'} has changed" in told


def test_a_rope_base_without_a_context_is_applied_and_recorded(files, tmp_path):
    base = shutil.copytree(files / "base", tmp_path / "base")
    content = json.loads((base / "config.json").read_text()) | {"max_position_embeddings": 256}
    (base / "config.json").write_text(json.dumps(content))
    line = ["detect", "--model", f"hf:{base}", "--data", files / "lh" / "dev.jsonl"]
    told = wrong(*line, "--rope", "ntk", "--out", tmp_path / "ntk.json")
    assert "--rope ntk: extends to how many tokens?" in told
    found = {}
    for rope in ("none", "theta=5e6"):
        out = tmp_path / f"{rope}.json"
        command("retrievalheads", *line, "--rope", rope, "--limit", 4, "--out", out)
        found[rope] = json.loads(out.read_text())
    plain, changed = found.values()
    assert changed["options"]["rope"] == "theta=5e6" and changed["options"]["dtype"] == "float32"
    assert plain["mean"] != changed["mean"]
