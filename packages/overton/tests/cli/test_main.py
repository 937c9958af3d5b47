import pytest
from tenpapers.testing import fails, imports_of_help


@pytest.mark.parametrize("command", ["reproduce", "similarity", "embed"])
def test_help_loads_no_model_library(command):
    assert not {"torch", "transformers", "pandas", "scipy"} & imports_of_help("overton", command)


def test_a_missing_file_is_one_line(tmp_path):
    missing = tmp_path / "none"
    fails("overton", "reproduce", "--data", missing, "--out", tmp_path / "out", told=[missing])
