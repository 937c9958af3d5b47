"""Every mistake of a user is one line, with exit code 2 and no traceback."""

import json

import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from tenpapers.models import Head, HeadGeometry
from tenpapers.testing import fails, process, write_rows

GOOD = '{"id": "1", "prompt": "p", "completion": " c"}'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f'{GOOD}\n{{"id": "2", "prompt": "p"}}\n', "train.jsonl:2: missing field 'completion'"),
        (f'{GOOD}\n{{"id": "2", "prompt": 7, "completion": "c"}}\n', "train.jsonl:2: prompt: "),
        (f'{GOOD}\n{{"id": "2", \n', "train.jsonl:2: not JSON"),
        ("", "train.jsonl: no records in it"),
        (None, "train.jsonl: no such file"),
        (
            json.dumps({"id": "x", "prompt": "p", "completion": "w " * 600}) + "\n",
            "x: 1 prompt tokens and",
        ),
    ],
)
def test_bad_training_files(content, told, tmp_path, tiny_spec):
    file = tmp_path / "train.jsonl"
    if content is not None:
        file.write_text(content)
    line = ["train", "--task", "jsonl", "--data", file, "--model", tiny_spec]
    fails("lofit", *line, "--out", tmp_path / "o", told=[told])


def test_an_error_ends_a_process_with_code_2_and_one_line(tmp_path):
    done = process("lofit", "evaluate", "--task", "mquake", "--data", "none", "--out", tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: none: no such file")


JSONL = "--task jsonl --data D --model T"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"train {JSONL} --top-k 0", ["K=0 outside 1..16"]),
        (f"train {JSONL} --top-k 17", ["K=17 outside 1..16"]),
        ("train --task poetry", ["'--task'", "'poetry'", "mquake"]),
        ("train --task jsonl", ["--task jsonl needs --data"]),
        ("train --data /nowhere", ["/nowhere: no such folder"]),
        ("train --model gpt", ["unknown model 'gpt'"]),
        ("train --task truthfulqa --fold 2", ["two folds"]),
        ("train --task truthfulqa --pairs most", ["'first'", "'all'", "'random'"]),
        (f"train {JSONL} --eos-token <no>", ["--eos-token '<no>'"]),
        (f"train {JSONL} --config BAD", ["rate: unknown setting"]),
        (f"train {JSONL} --l1-mode no", ["'--l1-mode'", "'prox'"]),
        ("rank-heads --method magic", ["'--method'", "'magic'"]),
        (f"tune --heads nowhere.json {JSONL}", ["nowhere.json: no such file"]),
        (f"tune --heads OTHER {JSONL}", ["num_heads 8 != 4"]),
        ("evaluate --task mquake --data /nowhere", ["no such file or folder"]),
        (f"evaluate {JSONL} --adapter /nothing", ["no adapter in it"]),
        ("evaluate --task mquake --split middle", ["'--split'", "'middle'"]),
        ("evaluate", ["task is missing"]),
        (
            "evaluate --task truthfulqa --model T --judge-true openai:x@http://h",
            ["--allow-http"],
        ),
        ("merge --adapter ITI --model T", ["last token only", "--all-positions"]),
        ("merge --adapter ITI --model smollm2", ["num_layers 4 != 30"]),
        ("merge --adapter ITI --model T --via ffn", ["'o_proj'", "'v_proj'"]),
        ("sweep --over mood", ["'--over'", "'mood'"]),
        ("sweep --over k --values few", ["numbers with commas"]),
        ("transfer --tasks mquake,poetry", ["--task poetry: unknown"]),
        ("compare-heads OTHER", ["two rankings"]),
        ("compare-heads OTHER OTHER", ["other.json: stands there twice"]),
        ("reproduce --scale huge", ["'--scale'", "'huge'", "paper_gemma_7b"]),
        ("baseline repe --task mquake --window a", ["FIRST:END"]),
        ("baseline iti --task mquake --direction up", ["'--direction'", "'up'"]),
        ("generate --prompts D --backend tpu", ["'--backend'", "'tpu'"]),
    ],
)
def test_mistakes_are_one_line(line, told, training_file, tiny_spec, tmp_path):
    (tmp_path / "bad.yaml").write_text("rate: 3\n")
    other = {"order": [[0, 0]], "scores": [[0.0] * 8] * 4, "num_layers": 4, "num_heads": 8}
    write_rows(tmp_path / "other.json", [other])
    shape = HeadGeometry("llama", 4, 4, 2, 16, 64)
    iti = LofitAdapter([Head(0, 1)], torch.ones(1, 16), shape, method="iti", positions="last")
    iti.save(tmp_path / "iti")
    names = {
        "D": training_file,
        "T": tiny_spec,
        "BAD": tmp_path / "bad.yaml",
        "OTHER": tmp_path / "other.json",
        "ITI": tmp_path / "iti",
    }
    given = [names.get(word, word) for word in line.split()]
    fails("lofit", *given, "--out", tmp_path / "o", told=told)
