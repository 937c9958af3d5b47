import pytest
from tenpapers.testing import fails, imports_of_help


@pytest.mark.parametrize("command", ["reproduce", "evaluate", "evaluate-feedback", "report"])
def test_help_loads_no_model_library(command):
    assert not {"torch", "transformers", "trl", "matplotlib"} & imports_of_help("dcr", command)


def test_help_of_training_loads_no_model_library():
    assert not {"torch", "transformers"} & imports_of_help("dcr", "train", "critique")


def test_a_missing_file_is_one_line(tmp_path):
    missing = tmp_path / "none.jsonl"
    fails("dcr", "evaluate", missing, "--out", tmp_path / "out", told=[missing])


def test_a_missing_base_is_one_line(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "q", "completion": "a"}\n')
    words = [
        "train",
        "critique",
        file,
        "--base",
        f"hf:{tmp_path / 'none'}",
        "--out",
        tmp_path / "o",
    ]
    fails("dcr", *words, told=["none"])
