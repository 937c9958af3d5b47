"""Every command that writes row by row or stage by stage keeps the promises of runs."""

import json
import shutil

import pytest
import yaml
from lofit.scoring import choices
from lofit.training import loop
from tenpapers.testing import (
    Journalled,
    check_journal,
    command,
    fails,
    kill_when,
    read_rows,
    tiny_checkpoint,
    write_rows,
)

TRAINING = ["--task", "jsonl", "--epochs", 1, "--top-k", 2]
RANKING = ["heads.json", "scores.npy", "heads.npy"]
ADAPTER = ["adapter/adapter_config.json", "adapter/adapter_model.safetensors"]
SEED = (["--seed", 1], "seed was 42 and is 1")


@pytest.fixture(scope="module")
def files(training_file, mini, tmp_path_factory):
    """Data that a test may change, two models of one shape, an adapter."""
    folder = tmp_path_factory.mktemp("files")
    shutil.copy(training_file, folder / "train.jsonl")
    shutil.copytree(mini, folder / "mini")
    for seed, name in enumerate(("base", "other")):
        tiny_checkpoint(folder / name, seed=seed, max_position_embeddings=4096)
    words = ["--data", folder / "train.jsonl", *TRAINING, "--out", folder / "trained"]
    command("lofit", "train", *model(folder), *words)
    (folder / "trained" / "adapter").rename(folder / "adapter")
    (folder / "trained" / "heads.json").rename(folder / "heads.json")
    rows = [{"id": str(i), "prompt": f"Q: item {i}? A:"} for i in range(4)]
    write_rows(folder / "prompts.jsonl", rows)
    return folder


def model(files):
    return ["--model", f"hf:{files / 'base'}"]


def another_model(files):
    told = f"model hf:{files / 'other'} is not hf:{files / 'base'} of then"
    return ["--model", f"hf:{files / 'other'}"], told


def on_own_rows(files, name, *more, outputs, **case):
    """A command that trains on rows of the user's own."""
    data = files / "train.jsonl"
    words = [*name.split(), *model(files), "--data", data, *TRAINING, *more]
    plain = {"others": [SEED, another_model(files)], "changed": data, "failed": None, "kills": 2}
    return Journalled(words, outputs=outputs, **plain | case)


def select_heads(files):
    return on_own_rows(files, "select-heads", outputs=RANKING)


def rank_heads(files):
    others = [(["--method", "bias"], 'method was "random" and is "bias"')]
    return on_own_rows(
        files, "rank-heads", "--method", "random", outputs=RANKING, others=others, kills=1
    )


def tune(files):
    heads = files / "heads.json"
    outputs = [*ADAPTER, "train_log.jsonl"]
    return on_own_rows(files, "tune", "--heads", heads, outputs=outputs, changed=heads)


def train(files):
    outputs = [*RANKING, *ADAPTER, "train_log.jsonl"]
    return on_own_rows(files, "train", outputs=outputs, kills=4)


def evaluate(files):
    data = files / "train.jsonl"
    words = [*model(files), "--data", data, "--adapter", files / "adapter", "--max-tokens", 1]
    return Journalled(
        ["evaluate", "--task", "jsonl", *words, "--no-cache"],
        outputs=["predictions.jsonl", "results.json"],
        others=[
            (["--scale", 0.5], "scale was 1.0 and is 0.5"),
            ([f"--{name}" for name in ("chat-template",)], "chat_template was null and is true"),
            another_model(files),
        ],
        changed=data,
    )


def multiple_choice(files):
    data = files / "mini" / "truthfulqa.jsonl"
    return Journalled(
        ["evaluate", "--task", "truthfulqa", *model(files), "--data", data, "--limit", 3],
        outputs=["predictions.jsonl", "results.json"],
        others=[(["--limit", 2], "limit was 3 and is 2")],
        changed=data,
        failed=None,
        kills=2,
    )


def generate(files):
    prompts = files / "prompts.jsonl"
    words = [*model(files), "--prompts", prompts, "--adapter", files / "adapter"]
    return Journalled(
        ["generate", *words, "--max-tokens", 2, "--no-cache"],
        out="o.jsonl",
        others=[(["--temperature", 0.5], "temperature was 0.0 and is 0.5"), another_model(files)],
        changed=prompts,
        failed=lambda row: row | {"completion": "", "finish_reason": "error"},
        failed_code=3,
    )


def merge(files):
    return Journalled(
        ["merge", *model(files), "--adapter", files / "adapter", "--verify"],
        outputs=["config.json", "model.safetensors", "verify.json"],
        others=[(["--via", "v_proj"], 'via was "o_proj" and is "v_proj"'), another_model(files)],
        out="merged",
        failed=None,
        kills=2,
    )


def baseline(name, *more, outputs=ADAPTER):
    def case(files):
        data = files / "mini"
        words = ["baseline", name, "--task", "mquake", *model(files), "--data", data, *more]
        return Journalled(words, outputs=outputs, others=[SEED], failed=None, kills=1)

    case.__name__ = name
    return case


def zero_shot(files):
    data = files / "mini" / "mquake_test.jsonl"
    words = [*model(files), "--data", files / "mini", "--limit", 2]
    return Journalled(
        ["baseline", "zero-shot", "--task", "mquake", *words],
        outputs=["predictions.jsonl", "results.json"],
        others=[(["--limit", 1], "limit was 2 and is 1"), another_model(files)],
        changed=data,
        kills=2,
    )


def sweep(files):
    words = ["--task", "mquake", *model(files), "--data", files / "mini", "--epochs", 1]
    return Journalled(
        ["sweep", "--over", "k", "--values", "10,50", *words, "--limit", 2],
        outputs=["sweep.json"],
        others=[
            (["--over", "l1"], 'over was "k" and is "l1"'),
            (["--task", "clutrr"], 'task was "mquake" and is "clutrr"'),
            (["--epochs", 3], "epochs was 1 and is 3"),
            another_model(files),
        ],
        changed=files / "mini" / "mquake_val.jsonl",
        failed=None,
        kills=2,
    )


def transfer(files):
    words = ["--tasks", "mquake,clutrr", *model(files), "--data", files / "mini", "--epochs", 1]
    return Journalled(
        ["transfer", *words, "--top-k", 2, "--limit", 1],
        outputs=["transfer.json"],
        others=[(["--limit", 2], "limit was 1 and is 2"), another_model(files)],
        changed=files / "mini" / "clutrr_test.jsonl",
        failed=None,
        kills=1,
    )


def reproduce(files):
    study = {
        "data": str(files / "mini"),
        "tasks": ["mquake"],
        "split": "val",
        "seeds": [1],
        "random_seeds": [0],
        "epochs": 1,
        "k": 3,
        "max_tokens": 2,
        "second_ranking": "clutrr",
        "second_size": 6,
    }
    (files / "study.yaml").write_text(yaml.safe_dump(study))
    return Journalled(
        ["reproduce", "--config", files / "study.yaml", *model(files)],
        outputs=["results.json", "mquake/lofit-1/heads.json", "mquake/lofit-1/train_log.jsonl"],
        others=[(["--seed", 2], "seeds was [1] and is [2]"), another_model(files)],
        changed=files / "mini" / "mquake_train.jsonl",
        failed=None,
        kills=2,
    )


@pytest.mark.parametrize(
    "case",
    [
        select_heads,
        rank_heads,
        tune,
        train,
        evaluate,
        multiple_choice,
        generate,
        merge,
        baseline("iti", outputs=[*RANKING, *ADAPTER]),
        baseline("repe", "--limit", 1),
        baseline("lora", "--epochs", 1),
        baseline("red", "--epochs", 1),
        baseline("reft", "--epochs", 1),
        zero_shot,
        sweep,
        transfer,
        reproduce,
    ],
    ids=lambda case: case.__name__,
)
def test_a_command_keeps_the_promises_of_runs(case, files, tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "CHUNK", 2)
    check_journal("lofit", case(files), tmp_path)


def test_a_comparison_is_made_anew_and_leaves_other_files_alone(files, tmp_path):
    (tmp_path / "second").mkdir()
    second = shutil.copy(files / "heads.json", tmp_path / "second")
    line = ["compare-heads", files / "heads.json", second, "--out", tmp_path]
    command("lofit", *line)
    command("lofit", *line, "--top-k", 3)
    assert json.loads((tmp_path / "comparison.json").read_text())["k"] == 3
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "layers.png").write_text("mine")
    told = "layers.png: was not made by this run"
    fails("lofit", *line[:-1], tmp_path / "other", told=[told])


def test_a_sweep_takes_more_values(files, tmp_path):
    line = [*sweep(files).arguments, "--out", tmp_path]
    command("lofit", *line)
    command("lofit", *line, "--values", "100")
    points = json.loads((tmp_path / "sweep.json").read_text())["LoFiT"]
    assert [value for value, _ in points] == [10, 50, 100]


def test_a_process_killed_in_step_2_keeps_step_1_and_the_steps_it_did(files, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = ["--task", "jsonl", "--epochs", 4, "--batch-size", 2, "--top-k", 2]
    line = ["train", *model(files), "--data", files / "train.jsonl", *words, "--out", out]
    state = out / ".step2" / "state.json"

    def has_done_five():
        return state.exists() and len(json.loads(state.read_text())["losses"]) >= 5

    with monkeypatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 0)
        kill_when("lofit", *line, when=has_done_five)
    kept, ranked = json.loads(state.read_text())["losses"], (out / "heads.json").stat().st_mtime_ns
    command("lofit", *line)
    assert (out / "heads.json").stat().st_mtime_ns == ranked
    losses = [row["loss"] for row in read_rows(out / "train_log.jsonl")]
    assert len(losses) == 32 and losses[: len(kept)] == kept
    assert not state.parent.exists()


def test_files_of_a_run_without_a_journal_are_refused(files, tmp_path):
    (tmp_path / "heads.json").write_text("{}")
    told = f"{tmp_path / 'heads.json'}: was not made by this run; "
    fails("lofit", *train(files).arguments, "--out", tmp_path, told=[told])


def test_what_got_no_answer_is_counted_and_ends_with_3(files, tmp_path, capsys):
    """A prompt of 5,000 bytes for a model that reads 4,096."""
    rows = [{"id": "long", "prompt": "word " * 1000, "completion": " yes"}]
    rows += [{"id": "short", "prompt": "Q: item 1? A:", "completion": " yes"}]
    data = write_rows(tmp_path / "test.jsonl", rows)
    line = ["evaluate", "--task", "jsonl", *model(files), "--data", data, "--adapter"]
    line += [files / "adapter", "--max-tokens", 1, "--no-cache", "--out", tmp_path / "out"]
    command("lofit", *line, code=3)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (results["n"], results["failed"]) == (1, 1)
    assert "1 got no answer" in capsys.readouterr().out


def test_an_adapter_is_refused_on_another_base_and_brings_its_own(files, tmp_path):
    data = ["--task", "jsonl", "--data", files / "train.jsonl", "--limit", 1, "--no-cache"]
    line = ["evaluate", *data, "--adapter", files / "adapter"]
    command("lofit", *line, "--out", tmp_path / "own")
    results = json.loads((tmp_path / "own" / "results.json").read_text())
    assert results["model"] == str(files / "base")
    shutil.copytree(files / "base", tmp_path / "base")
    command("lofit", *line, "--model", f"hf:{tmp_path / 'base'}", "--out", tmp_path / "copy")
    other = ["--model", f"hf:{files / 'other'}"]
    told = [f"{files / 'adapter'}: belongs to other weights than {files / 'other'}"]
    fails("lofit", *line, *other, "--out", tmp_path / "other", told=told)
    generated = ["generate", "--prompts", files / "prompts.jsonl", "--adapter", files / "adapter"]
    fails("lofit", *generated, *other, "--out", tmp_path / "o.jsonl", told=told)
    merged = ["merge", "--adapter", files / "adapter", *other, "--out", tmp_path / "merged"]
    fails("lofit", *merged, told=told)
    for method in ("lora", "red"):
        fitted = tmp_path / method
        words = [*model(files), "--data", files / "train.jsonl", "--task", "jsonl", "--epochs", 1]
        command("lofit", "baseline", method, *words, "--out", fitted)
        line = ["evaluate", *data, "--adapter", fitted / "adapter", *other]
        told = [f"{fitted / 'adapter'}: belongs to other weights than {files / 'other'}"]
        fails("lofit", *line, "--out", tmp_path / f"{method}-other", told=told)


def test_a_merge_never_writes_into_the_bases_folder(files, tmp_path):
    base = shutil.copytree(files / "base", tmp_path / "base")
    before = {file.name: file.read_bytes() for file in base.iterdir()}
    line = ["merge", "--model", f"hf:{base}", "--adapter", files / "adapter", "--out", base]
    fails("lofit", *line, told=[f"{base}: was not made by this run"])
    assert {file.name: file.read_bytes() for file in base.iterdir()} == before
