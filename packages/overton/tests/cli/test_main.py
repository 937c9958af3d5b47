from tenpapers.testing import fails, imports_of_help


def test_help_loads_no_model_library():
    assert not {"torch", "transformers"} & imports_of_help("overton", "reproduce")


def test_a_missing_file_is_one_line(tmp_path):
    missing = tmp_path / "none.jsonl"
    fails("overton", "reproduce", "--data", missing, "--out", tmp_path / "out", told=[missing])
