import pytest
import torch
from tenpapers import testing
from tenpapers.testing import (
    command,
    data_fixture,
    fails,
    imports_of_help,
    process,
    read_rows,
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


def test_tests_of_real_data_are_skipped_without_them(monkeypatch, tmp_path):
    data = data_fixture("lofit").__wrapped__
    monkeypatch.setattr(testing.data_folders, "folder", lambda package: tmp_path / package)
    assert data() == tmp_path / "lofit"
    monkeypatch.setattr(testing.data_folders, "folder", lambda package: None)
    with pytest.raises(pytest.skip.Exception, match="no data of lofit here"):
        data()
