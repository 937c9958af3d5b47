import json
import subprocess
import sys

import pytest
from tenpapers.testing import fails, read_rows

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
    # The adapter learnt to say yes; the base does not, nor does the adapter at strength 0.
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
