import csv
import json
import math

from ..conftest import command


def test_reproduce_without_real_data(tmp_path, tiny_teacher, monkeypatch, capsys):
    """Made-up news, three prompts a label: every part of the report is there and it resumes."""
    (tmp_path / "no-data").mkdir()
    monkeypatch.setenv("TENPAPERS_DATA", str(tmp_path / "no-data"))
    out = tmp_path / "out"
    config = tmp_path / "study.yaml"
    config.write_text(
        "corpus_rows: 80\ngold_rows: 40\ntest_rows: 40\nseeds_per_class: 3\n"
        "prompts_per_class: 3\nranks: [3, 8]\nrange: [0.0, 1.0]\nicl_range: [0.0, 1.0]\n"
        "context_tokens: [5, 40]\ngenerate: {icl_groups: 1, max_new_tokens: 8}\nruns: 2\n"
        "truncated: keep\nmap_student: probe\narms:\n"
        "- {name: FewGen 2-shot, method: fewgen, shots: 2}\n"
        "- {name: RetrICL, method: retricl, shots: 1}\n"
    )
    arguments = ["reproduce", "--config", config, "--model", f"hf:{tiny_teacher}", "--out", out]
    command(*arguments)
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
    for claim in results["claims"]:
        assert claim.keys() == {"id", "verdict", "evidence"}
        assert claim["verdict"] in ("shown", "not shown", "not testable here")
    assert set(results["seeds"]) == {"42", "43"} and float(table[0]["+-"]) >= 0
    assert len({seed["students"]["RetrICL"]["mean"] for seed in results["seeds"].values()}) == 2
    assert json.loads((out / "manifest.json").read_text())["seed"] == 42
    stamp = (out / "seed-43" / "retricl" / "generations.jsonl").stat().st_mtime_ns
    command(*arguments)
    assert (out / "seed-43" / "retricl" / "generations.jsonl").stat().st_mtime_ns == stamp
