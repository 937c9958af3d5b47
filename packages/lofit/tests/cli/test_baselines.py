import json

import pytest


@pytest.mark.parametrize("method", ["iti", "repe", "lora", "red", "reft"])
def test_every_baseline_command(method, mini, tiny_spec, tmp_path, lofit):
    more = {"iti": "", "repe": "--coefficient 1"}.get(method, "--epochs 1")
    given = {"data": mini, "model": tiny_spec}
    said = lofit(f"baseline {method} --task mquake {more}", out=tmp_path, **given)
    assert said.startswith(f"{method}: ") and f"-> {tmp_path / 'adapter'}" in said
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["method"] == method and manifest["config"]["task"] == "mquake"
    given = {
        "data": mini / "mquake_test.jsonl",
        "model": tiny_spec,
        "adapter": tmp_path / "adapter",
    }
    lofit("evaluate --task mquake --limit 2 --no-cache", out=tmp_path / "e", **given)
    assert json.loads((tmp_path / "e" / "results.json").read_text())["n"] == 2
    assert "numbers" in lofit(f"inspect {tmp_path / 'adapter'}")


def test_the_strength_of_repe_is_searched_on_val(mini, tiny_spec, tmp_path, lofit):
    given = {"data": mini, "model": tiny_spec, "out": tmp_path}
    said = lofit("baseline repe --task mquake --limit 1", **given)
    assert "on val: c=0.5: " in said and "c=8: " in said
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["coefficient"] in (0.5, 1.0, 2.0, 4.0, 8.0) and len(manifest["tried"]) == 5


def test_zero_shot_writes_the_files_of_evaluate(mini, tiny_spec, tmp_path, lofit):
    given = {"data": mini, "model": tiny_spec, "out": tmp_path}
    said = lofit("baseline zero-shot --task mquake --limit 2", **given)
    assert json.loads((tmp_path / "results.json").read_text())["n"] == 2 and "n = 2" in said
