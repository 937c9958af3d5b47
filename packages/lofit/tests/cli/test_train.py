import json

import pytest
import yaml
from tenpapers.errors import UserError
from tenpapers.testing import read_rows


def test_train_ends_with_heads_and_an_adapter(trained):
    heads = json.loads((trained / "heads.json").read_text())
    assert len(heads["scores"]) == 4 and len(heads["order"]) == 16
    assert {file.name for file in (trained / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "README.md",
    }
    config = json.loads((trained / "adapter" / "adapter_config.json").read_text())
    assert config["heads"] == heads["order"][:4] and config["task"] == "jsonl"
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["trainable"] == 64 and manifest["config"]["top_k"] == 4
    assert manifest["data"]["train.jsonl"]
    losses = [row["loss"] for row in read_rows(trained / "train_log.jsonl")]
    assert len(losses) == 12 and losses[-1] < losses[0]
    assert not (trained / ".step1").exists() and not (trained / ".step2").exists()


@pytest.mark.parametrize("form", ["manifest", "yaml"])
def test_the_settings_in_a_manifest_give_the_same_run(form, trained, tmp_path, lofit):
    file = trained / "manifest.json"
    if form == "yaml":
        config = json.loads(file.read_text())["config"]
        file = tmp_path / "again.yaml"
        file.write_text(yaml.safe_dump({k: v for k, v in config.items() if v is not None}))
    lofit("train", config=file, out=tmp_path / "again")
    for name in ("heads.json", "adapter/adapter_config.json"):
        ours = json.loads((tmp_path / "again" / name).read_text())
        theirs = json.loads((trained / name).read_text())
        assert ours.get("order") == theirs.get("order") and ours.get("heads") == theirs.get("heads")


def test_a_default_does_not_overrule_the_settings_file(tmp_path, lofit, monkeypatch):
    file = tmp_path / "c.yaml"
    file.write_text("fold: 1\npairs: all\nchat_template: true\ndedup: true\nseed: 7\n")
    seen = []
    monkeypatch.setattr("lofit.study.settings.load_task", lambda *a, **k: seen.append(k) or 1 / 0)
    for line in ("train", "select-heads", "tune --heads x", "transfer"):
        with pytest.raises(ZeroDivisionError):
            lofit(line, config=file, out=tmp_path / "o")
    assert [(k["fold"], k["which_pairs"], k["dedup"], k["seed"]) for k in seen] == [
        (1, "all", True, 7)
    ] * 4


def test_the_rate_of_a_step_is_called_lr(tmp_path, lofit, monkeypatch):
    """`--lr` is the rate of the step that a command does; `train` takes both."""
    seen = []

    def stop(settings):
        seen.append((settings.select_lr, settings.tune_lr))
        raise UserError("enough")

    monkeypatch.setattr("lofit.study.settings.TrainSettings.load_task", stop)
    lines = ("select-heads --lr 0.3", "tune --lr 0.3 --heads x", "train --lr 0.3 --tune-lr 0.4")
    for line in lines:
        with pytest.raises(UserError, match="enough"):
            lofit(line, out=tmp_path / "o")
    assert seen == [(0.3, 0.01), (0.005, 0.3), (0.3, 0.4)]


def test_prompts_of_a_users_own_are_trained_on(mini, tiny_spec, tmp_path, lofit):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mquake.jinja").write_text("{{ question }} {{ nothing }}")
    given = {"data": mini, "model": tiny_spec, "prompts": tmp_path / "p", "out": tmp_path / "o"}
    with pytest.raises(UserError, match=r"mquake.jinja: 'nothing' is undefined"):
        lofit("tune --task mquake --heads x", **given)


def test_the_two_steps_apart_and_rankings_compared(training_file, tiny_spec, tmp_path, lofit):
    given = {"data": training_file, "model": tiny_spec}
    step = "--task jsonl --epochs 1 --top-k 3"
    for name, command in (("a", "select-heads"), ("b", "rank-heads --method random")):
        said = lofit(f"{command} {step}", out=tmp_path / name, **given)
        assert "best 3 of 16 heads" in said and "256 lofit step 1 (scales)" in said
    said = lofit(f"tune {step}", heads=tmp_path / "a" / "heads.npy", out=tmp_path / "t", **given)
    assert "48 numbers on 3 heads" in said
    assert (tmp_path / "t" / "adapter" / "adapter_config.json").exists()
    first, second = tmp_path / "a" / "heads.json", tmp_path / "b" / "heads.json"
    said = lofit(f"compare-heads {first} {second} --top-k 3 --json", out=tmp_path / "c")
    content = json.loads(said)
    assert content["jaccard"][0][0] == 1.0 and content["chance"] == pytest.approx(3 / 29)
    assert (tmp_path / "c" / "layers.png").stat().st_size > 5000
