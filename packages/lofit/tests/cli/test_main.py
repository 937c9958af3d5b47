import json
import subprocess
import sys

import pytest
from tenpapers.testing import fails, read_rows, tiny_checkpoint, write_rows

COMMANDS = [
    [],
    ["select-heads"],
    ["tune"],
    ["train"],
    ["rank-heads"],
    ["evaluate"],
    ["generate"],
    ["merge"],
    ["baseline"],
    *(["baseline", method] for method in ("iti", "repe", "lora", "red", "reft", "zero-shot")),
    ["combine"],
    ["compare-heads"],
    ["transfer"],
    ["sweep"],
    ["inspect"],
    ["bench"],
    ["reproduce"],
]
HELP = """
import sys
from lofit.cli.main import app
for command in {commands}:
    app([*command, "--help"], standalone_mode=False)
print(*sorted(set(sys.modules) & {{"torch", "transformers", "peft", "scipy", "matplotlib"}}),
      file=sys.stderr)
"""


def test_help_of_every_command_loads_no_model_library():
    code = HELP.format(commands=COMMANDS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("Usage:") == len(COMMANDS)
    assert done.stderr.strip() == ""


def test_the_fixed_interface_of_evaluate(trained, training_file, tiny_spec, tmp_path, lofit):
    line = "evaluate --task jsonl --max-tokens 1 --no-cache"
    given = {"data": training_file, "model": tiny_spec, "adapter": trained / "adapter"}
    said = lofit(line, out=tmp_path, **given)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["n"] == 16 and set(results["metrics"]) == {"em_strict", "em_normalized"}
    assert results["echo"] is None and "em_normalized" in said and results["scale"] == 1.0
    (row, *_) = read_rows(tmp_path / "predictions.jsonl")
    assert set(row) >= {"id", "prompt", "completion", "prediction", "answers", "correct"}
    # The adapter learnt to say y; the base does not, nor does the adapter at strength 0.
    assert results["metrics"]["em_normalized"] > 90
    lofit(f"{line} --scale 0", out=tmp_path / "zero", **given)
    zero = json.loads((tmp_path / "zero" / "results.json").read_text())
    assert zero["metrics"]["em_normalized"] < 50 and zero["scale"] == 0.0


@pytest.mark.parametrize("task", ["mquake", "clutrr", "truthfulqa"])
def test_published_files_are_evaluated(task, mini, tiny_spec, tmp_path, lofit):
    file = mini / ("truthfulqa.jsonl" if task == "truthfulqa" else f"{task}_test.jsonl")
    line = f"evaluate --task {task} --limit 3 --no-cache"
    lofit(line, data=file, model=tiny_spec, out=tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["n"] == 3
    wanted = {"mc1", "mc2", "mc3"} if task == "truthfulqa" else {"em_strict", "em_normalized"}
    assert wanted <= set(results["metrics"])
    assert (results["echo"] is not None) == (task == "mquake")
    (row, *_) = read_rows(tmp_path / "predictions.jsonl")
    if task == "truthfulqa":
        assert set(row) == {"id", "scores_true", "scores_false", "best_index", "mc1", "mc2", "mc3"}


def test_open_answers_are_judged(mini, tiny_spec, tmp_path, lofit):
    lofit(
        "evaluate --task truthfulqa --limit 2 --no-cache",
        data=mini / "truthfulqa.jsonl",
        model=tiny_spec,
        judge_true=tiny_spec,
        judge_informative=tiny_spec,
        out=tmp_path,
    )
    metrics = json.loads((tmp_path / "results.json").read_text())["metrics"]
    assert metrics["true*informative (product of means)"] == pytest.approx(
        metrics["true"] * metrics["informative"] / 100
    )
    assert "true and informative (per answer)" in metrics


def test_side_effects_on_documents_of_ones_own(trained, training_file, tiny_spec, tmp_path, lofit):
    documents = tmp_path / "texts.txt"
    documents.write_text("A story about a dog.\n\nRain fell all day.\n")
    line = "evaluate --task jsonl --limit 1 --max-tokens 1 --no-cache"
    given = {"data": training_file, "model": tiny_spec, "documents": documents}
    said = lofit(line, adapter=trained / "adapter", out=tmp_path, **given)
    found = json.loads((tmp_path / "results.json").read_text())["side_effects"]
    assert found["kl"] > 0 and "ce_adapted" in said
    out = tmp_path / "base"
    fails("lofit", *line.split(), "--out", out, *flags(**given), told=["pass --adapter"])


def flags(**options):
    return [word for name, value in options.items() for word in (f"--{name}", value)]


@pytest.fixture(scope="module")
def novel(tmp_path_factory):
    """A checkpoint of a family that is in no table."""
    shape = {"num_key_value_heads": 4, "head_dim": 16}
    return f"hf:{tiny_checkpoint(tmp_path_factory.mktemp('novel'), 'helium', **shape)}"


def test_a_pattern_stands_for_an_unknown_family_in_every_command(
    novel, training_file, tmp_path, lofit
):
    data = {"data": training_file, "model": novel}
    line = "--task jsonl --epochs 1 --top-k 2"
    told = ["helium: unknown architecture; pass --o-proj-pattern"]
    fails("lofit", *f"train {line}".split(), "--out", tmp_path / "no", *flags(**data), told=told)
    pattern = {"o_proj_pattern": r"model\.layers\.\d+\.self_attn\.o_proj"}
    lofit(f"train {line}", out=tmp_path / "t", **data, **pattern)
    lofit(f"select-heads {line}", out=tmp_path / "s", **data, **pattern)
    heads = tmp_path / "s" / "heads.json"
    lofit(f"tune {line}", heads=heads, out=tmp_path / "u", **data, **pattern)
    # The adapter says where the heads are, and which model it belongs to.
    adapter = {"adapter": tmp_path / "t" / "adapter"}
    limited = "evaluate --task jsonl --limit 1 --max-tokens 1 --no-cache"
    lofit(limited, data=training_file, out=tmp_path / "e", **adapter)
    prompts = {"prompts": training_file}
    lofit("generate --max-tokens 1 --no-cache", out=tmp_path / "g.jsonl", **adapter, **prompts)
    told = ["helium: its projection has no bias that a loader would read"]
    fails("lofit", "merge", *flags(**adapter), "--out", tmp_path / "m", told=told)


def test_preference_pairs_are_evaluated(mini, tiny_spec, tmp_path, lofit):
    """TruthfulQA's training part, and pairs of a user's own."""
    rows = [{"prompt": f"Q{i}?", "chosen": " yes", "rejected": f" no {i}"} for i in range(12)]
    data = write_rows(tmp_path / "pairs.jsonl", rows)
    line = "train --task jsonl --epochs 3 --lr 0.05 --tune-lr 0.3 --top-k 4"
    lofit(line, data=data, model=tiny_spec, out=tmp_path / "t")
    line = "evaluate --task jsonl"
    said = lofit(line, data=data, adapter=tmp_path / "t" / "adapter", out=tmp_path / "e")
    results = json.loads((tmp_path / "e" / "results.json").read_text())
    assert results["metrics"]["reward_accuracy"] > 90 and results["metrics"]["reward_margin"] > 0
    assert "reward_accuracy" in said and results["n"] == 12
    lofit(
        "evaluate --task truthfulqa --split train", data=mini, model=tiny_spec, out=tmp_path / "q"
    )
    results = json.loads((tmp_path / "q" / "results.json").read_text())
    assert set(results["metrics"]) == {"preferred"}


def test_chats_are_trained_on_and_the_adapter_remembers_the_template(tiny_spec, tmp_path, lofit):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]
    data = write_rows(tmp_path / "chats.jsonl", [{"messages": turns}] * 4)
    line = "train --task jsonl --epochs 1 --top-k 2 --chat-template"
    said = lofit(line, data=data, model=tiny_spec, out=tmp_path / "t", max_length=20)
    assert "note: 4 of 4 prompts are too long and lost their beginning" in said
    adapter = tmp_path / "t" / "adapter"
    assert json.loads((adapter / "adapter_config.json").read_text())["chat_template"] is True
    for more, expected in (("", True), ("--no-chat-template", False)):
        out = tmp_path / f"e{expected}"
        line = f"evaluate --task jsonl --limit 1 --max-tokens 1 --no-cache {more}"
        said = lofit(line, data=data, adapter=adapter, out=out)
        results = json.loads((out / "results.json").read_text())
        assert results["chat_template"] is expected
        assert results["truncated"] == 1 and "1 were cut at the limit of tokens" in said


def test_multiple_choice_stands_in_the_chat_template_too(mini, tiny_spec, tmp_path, lofit):
    scores = []
    for more in ("", "--chat-template"):
        out = tmp_path / f"out{more}"
        line = f"evaluate --task truthfulqa --limit 1 {more}"
        lofit(line, data=mini / "truthfulqa.jsonl", model=tiny_spec, out=out)
        scores.append(read_rows(out / "predictions.jsonl")[0]["scores_true"])
    assert scores[0] != scores[1]


def test_held_out_examples_and_parts_of_batches(training_file, tiny_spec, tmp_path, lofit):
    line = "train --task jsonl --epochs 2 --top-k 2 --val-size 4 --micro-batch 3"
    said = lofit(line, data=training_file, model=tiny_spec, out=tmp_path)
    rows = read_rows(tmp_path / "train_log.jsonl")
    assert [row["epoch"] for row in rows if "held_out" in row] == [0, 1, 2]
    assert sum("loss" in row for row in rows) == 4  # twelve examples, batches of eight
    assert ", held out " in said and said.count(" -> ") >= 3
