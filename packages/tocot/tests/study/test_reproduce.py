import json

import pytest

from ..conftest import command, fails


def test_reproduce_without_real_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TENPAPERS_DATA", str(tmp_path))
    config = tmp_path / "study.yaml"
    config.write_text("n: 2\nbudgets: [4, 6]\ntime_budget: 100\nresamples: 20000\n")
    command("reproduce", "--config", config, "--out", tmp_path / "o")
    said = capsys.readouterr().out
    assert "No real data is at hand" in said and "smollm2:zs/gsm8k" in said
    results = json.loads((tmp_path / "o" / "results.json").read_text())
    assert len(results["live"]["cells"]) == 2
    verdicts = {claim["id"]: claim["verdict"] for claim in results["claims"]}
    literature = {verdicts.pop("literature-top"), verdicts.pop("literature-others")}
    assert literature == {"not shown"} and set(verdicts.values()) == {"not testable here"}
    manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
    assert manifest["config"]["n"] == 2 and manifest["config"]["budgets"] == [4, 6]
    config.write_text("n: 3\n")
    fails("reproduce", "--config", config, "--out", tmp_path / "o", told=["other settings"])


@pytest.mark.acceptance
@pytest.mark.usefixtures("excerpt")
def test_reproduce_on_the_recorded_pairs(tmp_path, capsys):
    config = tmp_path / "study.yaml"
    config.write_text("model: ''\nresamples: 20000\n")
    command("reproduce", "--config", config, "--out", tmp_path / "o")
    said = capsys.readouterr().out
    assert "Commonsense below Mathematical below Symbolic (zero-shot, guess): holds" in said
    assert "would reverse the conclusion" in said and "does not transfer" in said
    names = {file.name for file in (tmp_path / "o").iterdir()}
    assert names >= {"report.md", "table.csv", "fig1.png", "fig3.png", "equals.png", "meta.png"}
    results = json.loads((tmp_path / "o" / "results.json").read_text())
    assert results["solvers"]["GSM-Hard programs"] == [40, 40, 40]
    assert results["solvers"]["ContextHub formulas"] == [160, 160, 160]
    verdicts = {claim["id"]: claim["verdict"] for claim in results["claims"]}
    assert verdicts["groups"] == "shown" and verdicts["literature-top"] == "not shown"
    assert verdicts["equals-sign"] == verdicts["tool"] == "not testable here"
