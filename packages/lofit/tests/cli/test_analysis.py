import json

import pytest
from lofit.offsets.merge_check import MergeReport


def test_merge_verifies_and_inspect_tells(trained, tiny_spec, tmp_path, lofit):
    given = {"adapter": trained / "adapter", "model": tiny_spec, "out": tmp_path / "m"}
    said = lofit("merge --verify", **given)
    report = json.loads((tmp_path / "m" / "verify.json").read_text())
    assert report["max_abs_logit_diff"] < 1e-3 and report["greedy_agreement"] == 1.0
    assert "merged against hooked" in said
    content = json.loads(lofit(f"inspect {trained / 'adapter'} --json"))
    assert content["numbers"] == 64 and content["merged for vLLM"] is True
    assert content["share of the base's numbers"].endswith("%")


def test_a_merge_that_is_off_exits_with_3(trained, tiny_spec, tmp_path, lofit, monkeypatch):
    monkeypatch.setattr(
        "lofit.serving.merged_folder.verify_merge",
        lambda *a, **k: MergeReport(1.0, 0.0, 1.0, 1e-3, False),
    )
    given = {"adapter": trained / "adapter", "model": tiny_spec, "out": tmp_path / "m"}
    lofit("merge --verify", code=3, **given)


def test_heads_of_one_task_are_used_for_another(mini, tiny_spec, tmp_path, lofit):
    line = "transfer --tasks mquake,clutrr --epochs 1 --top-k 2 --limit 2"
    said = lofit(line, data=mini, model=tiny_spec, out=tmp_path)
    assert "mquake" in said and (tmp_path / "transfer.png").exists()
    found = json.loads((tmp_path / "transfer.json").read_text())
    assert found["tasks"] == ["mquake", "clutrr"] and found["k"] == 2


@pytest.mark.parametrize(
    ("over", "values", "arms"),
    [
        ("scale", "0,1", {"LoFiT"}),
        ("train-size", "4", {"LoFiT", "LoRA", "RED"}),
        ("component", "1", {"offsets", "scales kept"}),
        ("k", "10,50", {"LoFiT"}),
        ("l1", "0,0.001", {"LoFiT"}),
    ],
)
def test_a_sweep_measures_every_arm(over, values, arms, mini, tiny_spec, tmp_path, lofit):
    line = f"sweep --over {over} --values {values} --task mquake --epochs 1 --top-k 2 --limit 2"
    lofit(line, data=mini, model=tiny_spec, out=tmp_path)
    assert set(json.loads((tmp_path / "sweep.json").read_text())) == arms
    assert (tmp_path / "sweep.png").exists()
