import itertools
import os

import pytest
import torch
from tenpapers import data as data_folders
from tenpapers.models import load_causal_lm
from tenpapers.testing import (
    Journalled,
    byte_tokenizer,
    check_journal,
    command,
    data_fixture,
    fails,
    imports_of_help,
    kill_process,
    process,
    read_rows,
    tiny_checkpoint,
    tiny_model,
    write_rows,
)

TOOL = """
import os
from typing import Annotated
import typer
from tenpapers.cli import make_app, run
from tenpapers.errors import UserError
app = make_app("A tool.")

@app.command()
def count(number: int) -> None:
    if number < 0:
        raise UserError(f"{number} is negative", "take another")
    if number == 3:
        raise typer.Exit(3)
    print(number, os.environ.get("TOOL_MODE", ""))

def main() -> None:
    run(app)
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """A package with a command line."""
    (tmp_path / "counting_tool" / "cli").mkdir(parents=True)
    (tmp_path / "counting_tool" / "cli" / "main.py").write_text(TOOL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "counting_tool"


def test_a_command_is_expected_to_end_with_its_code(tool, capsys):
    command(tool, "count", 1)
    assert capsys.readouterr().out == "1 \n"
    command(tool, "count", 3, code=3)
    with pytest.raises(AssertionError, match="exit code 3, not 0"):
        command(tool, "count", 3)


def test_a_failure_is_expected_to_tell_what_it_should(tool):
    assert fails(tool, "count", "--", -1, told=["-1 is", "another"]) == (
        "-1 is negative; take another"
    )
    assert "'number': Input should be a valid integer" in fails(tool, "count", "x")
    with pytest.raises(AssertionError, match="-1 is negative"):
        fails(tool, "count", "--", -1, told=["something else"])
    with pytest.raises(pytest.fail.Exception):
        fails(tool, "count", 1)


def test_a_process_of_its_own_and_what_its_help_loads(tool):
    done = process(tool, "count", 2, TOOL_MODE="quiet")
    assert (done.returncode, done.stdout) == (0, "2 quiet\n")
    loaded = imports_of_help(tool, "count")
    assert "typer" in loaded and "torch" not in loaded


@pytest.mark.parametrize("name", ["deep/a.jsonl", "a.jsonl.gz"])
def test_rows_come_back_as_they_were_written(tmp_path, name):
    rows = [{"a": "ä"}, {"b": [1, None]}]
    assert read_rows(write_rows(tmp_path / name, rows)) == rows


def test_a_tiny_model_is_the_same_for_the_same_seed():
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        first, again, other = (
            tiny_model("llama", seed=seed, num_hidden_layers=1)(ids).logits for seed in (0, 0, 1)
        )
    assert first.equal(again) and not first.equal(other) and first.shape == (1, 3, 300)


def test_a_token_is_a_byte_and_comes_back():
    tokenizer = byte_tokenizer()
    ids = tokenizer("aé\n")["input_ids"]
    assert len(ids) == 4 and max(ids) < 259 and tokenizer.decode(ids) == "aé\n"


def test_a_tiny_checkpoint_reads_bytes_and_chats_as_its_architecture(tmp_path):
    lm = load_causal_lm(f"hf:{tiny_checkpoint(tmp_path, 'qwen2', num_hidden_layers=1)}")
    assert (lm.model.config.model_type, lm.model.config.vocab_size) == ("qwen2", 259)
    chat = [{"role": "user", "content": "hé"}]
    text = lm.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "user: hé</s>assistant: "
    assert len(lm.tokenizer(text)["input_ids"]) == len("user: hé".encode()) + 1 + 11


def test_tests_of_real_data_are_skipped_without_them(monkeypatch, tmp_path):
    data = data_fixture("lofit").__wrapped__
    monkeypatch.setattr(data_folders, "folder", lambda package: tmp_path / package)
    assert data() == tmp_path / "lofit"
    monkeypatch.setattr(data_folders, "folder", lambda package: None)
    with pytest.raises(pytest.skip.Exception, match="no data of lofit here"):
        data()


LONG = """
from pathlib import Path
from tenpapers.cli import OutDir, make_app, run
from tenpapers.journal import Journal
from tenpapers.records import Appender, read_json_lines, write_json
app = make_app("A tool.")

@app.command()
def double(file: Path, out: OutDir, times: int = 2, overwrite: bool = False) -> None:
    key, inputs = KEY, INPUTS
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite) as journal:
        with journal.rows("rows.jsonl", failed=FAILED) as rows:
            done = MISSING
            for n in done:
                rows.write({"id": n, "value": times * int(n)})
            rows.close(order=file.read_text().split())
        write_json(journal.file("sum.json"), sum(row.get("value", 0) for row in rows.rows.values()))

@app.command()
def other() -> None: ...

def main() -> None:
    run(app)
"""
NUMBERS = itertools.count()
RIGHT = {
    "KEY": '{"times": times}',
    "INPUTS": "[file]",
    "FAILED": 'lambda row: "error" in row',
    "MISSING": "rows.missing(file.read_text().split(), key=str)",
}


@pytest.fixture
def doubling(tmp_path, monkeypatch):
    """Makes a package whose command keeps a journal, with parts of it replaced."""

    def make(**replaced):
        text, name = LONG, f"doubling_{next(NUMBERS)}"
        for part, code in (RIGHT | replaced).items():
            text = text.replace(part, code)
        (tmp_path / name / "cli").mkdir(parents=True)
        (tmp_path / name / "cli" / "main.py").write_text(text)
        return name

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    return make


@pytest.fixture
def doubled(tmp_path):
    numbers = tmp_path / "numbers.txt"
    numbers.write_text("1\n2\n3\n4\n")
    return Journalled(
        ["double", numbers],
        outputs=["rows.jsonl", "sum.json"],
        others=[(["--times", 3], "times was 2 and is 3")],
        changed=numbers,
        failed=lambda row: {"id": row["id"], "error": "busy"},
        kills=6,
    )


def test_a_command_that_keeps_the_promises_passes(doubling, doubled, tmp_path):
    check_journal(doubling(), doubled, tmp_path / "runs")


@pytest.mark.parametrize(
    ("replaced", "told"),
    [
        ({"MISSING": "file.read_text().split()"}, "a row was made twice"),
        ({"MISSING": "file.read_text().split() if not rows.rows else []"}, "killed at write"),
        ({"KEY": "{}"}, "DID NOT RAISE"),
        ({"INPUTS": "[]"}, "DID NOT RAISE"),
        ({"FAILED": "lambda row: False"}, "was not asked again"),
        ({"overwrite=overwrite": "overwrite=False"}, "DID NOT RAISE"),
    ],
)
def test_a_command_that_breaks_one_fails(doubling, doubled, tmp_path, replaced, told):
    with pytest.raises((AssertionError, pytest.fail.Exception), match=told):
        check_journal(doubling(**replaced), doubled, tmp_path / "runs")


def test_a_killed_process_leaves_what_it_had(doubling, doubled, tmp_path):
    package, out = doubling(), tmp_path / "run"
    words = [*doubled.arguments, "--out", out]
    kill_process(package, *words, file=out / "rows.jsonl", lines=2)
    assert len(read_rows(out / "rows.jsonl")) == 2
    command(package, *words)
    assert [row["value"] for row in read_rows(out / "rows.jsonl")] == [2, 4, 6, 8]
