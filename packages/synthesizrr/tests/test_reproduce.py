import csv
import json
import math

import pytest
from synthesizrr.inputs.made_up_news import made_up_news
from synthesizrr.study.claims import RowNumbers, llm_written, verdicts
from synthesizrr.study.settings import read_study, split_slice
from tenpapers.errors import UserError

from .conftest import command, read_lines


def test_claims_are_said_to_hold_or_not():
    gold = RowNumbers(2.0, 4.0, 99.0, 80.0, 1.0, 95.0)
    ours = RowNumbers(2.5, 3.9, 90.0, 70.0, 2.0, 71.0)
    theirs = RowNumbers(5.0, 3.0, 90.04, 75.0, None, 70.0)
    lines = verdicts({"Gold": gold, "a": ours, "b": theirs}, "a", "b")
    said = ["holds", "holds", "cannot be told at this size", "does not hold", "does not hold"]
    assert all(f": {word}" in line for word, line in zip(said, lines, strict=True))
    assert "(2.5 against 5.0; Gold 2.0)" in lines[0]
    nothing = RowNumbers(None, None, None, None, None, None)
    missing = verdicts({"Gold": gold, "a": ours, "b": nothing}, "a", "b")
    assert all("not measured" in line for line in missing)
    assert "does not hold (9.0 against 5.0)" in llm_written({"n": 5.0, "l": 9.0}, "n", ["l"])


def test_parts_of_the_study_are_disjoint(tmp_path):
    study = read_study("cpu", None, model=None, seed=None, limit=None)
    paths = split_slice(study, None, tmp_path)
    ids = [row["id"] for path in paths.values() for row in read_lines(path)]
    assert len(ids) == len(set(ids)) == len(made_up_news())
    assert "label" not in read_lines(paths["corpus"])[0]
    again = split_slice(study, None, tmp_path / "again")
    assert [again[name].read_text() for name in paths] == [
        one.read_text() for one in paths.values()
    ]


def test_settings_of_both_scales():
    paper = read_study("paper", None, model=None, seed=None, limit=None)
    assert paper.range == (0.4, 0.9) and paper.generate.temperature == 0.95
    assert {arm.shots for arm in paper.arms} == {0, 3, 32}
    with pytest.raises(UserError, match="--scale big: unknown"):
        read_study("big", None, model=None, seed=None, limit=None)


def test_reproduce_without_real_data(tmp_path, monkeypatch, capsys):
    """Made-up news, two prompts a label: every part of the report is there and it resumes."""
    import synthesizrr.study.reproduce as module

    monkeypatch.setattr(module, "data_folder", lambda: None)
    out = tmp_path / "out"
    config = tmp_path / "study.yaml"
    config.write_text(
        "corpus_rows: 200\ngold_rows: 80\ntest_rows: 80\nseeds_per_class: 5\n"
        "prompts_per_class: 5\nranks: [3, 8]\nrange: [0.0, 1.0]\nicl_range: [0.0, 1.0]\n"
        "context_tokens: [5, 40]\ngenerate: {icl_groups: 1, max_new_tokens: 8}\nruns: 2\n"
        "map_student: probe\narms:\n- {name: FewGen 2-shot, method: fewgen, shots: 2}\n"
        "- {name: RetrICL, method: retricl, shots: 1}\n"
    )
    command("reproduce", "--config", config, "--out", out)
    said = capsys.readouterr().out
    assert "made-up news of this package" in said and "RetrICL" in said
    table = list(csv.DictReader((out / "table.csv").open()))
    assert [row["method"] for row in table] == ["Gold", "Seed", "FewGen 2-shot", "RetrICL"]
    assert all(row["paper: accuracy"] == "" for row in table)
    assert all(math.isfinite(float(row["Self-BLEU-5"])) for row in table)
    assert all(float(row["ag_news accuracy"]) > 25 for row in table[:2])
    assert (out / "self_bleu.png").stat().st_size > 10_000
    lines = list(csv.DictReader((out / "self_bleu.csv").open()))
    assert list(lines[0]) == ["data set", "1", "2", "3", "4", "5"]
    results = json.loads((out / "results.json").read_text())
    assert len(results["claims"]) == 5
    assert json.loads((out / "manifest.json").read_text())["seed"] == 42
    stamp = (out / "retricl" / "generations.jsonl").stat().st_mtime_ns
    command("reproduce", "--config", config, "--out", out)
    assert (out / "retricl" / "generations.jsonl").stat().st_mtime_ns == stamp
