import json

from synthesizrr.records import Generation, read_rows

from ..conftest import command, fails, read_lines, write_rows


def test_more_shots_than_the_pool(tmp_path, tiny_teacher):
    asked = [{"id": "i", "label": "World", "context": "c"}]
    file = write_rows(tmp_path / "inputs.jsonl", asked)
    shot = {"id": "a", "label": "World", "example_text": "e", "seed_id": "a", "context": "d"}
    icl = write_rows(tmp_path / "icl.jsonl", [shot])
    fails(
        "generate",
        file,
        icl,
        "--task",
        "ag_news",
        "--shots",
        2,
        "--no-cache",
        "--teacher",
        f"hf:{tiny_teacher}",
        "--out",
        tmp_path / "g.jsonl",
        told=["2 shots > pool", "label 'World'"],
    )
    fails(
        "generate",
        file,
        icl,
        "--task",
        "ag_news",
        "--teacher",
        "gpt9",
        "--out",
        tmp_path / "g.jsonl",
        told=["unknown model 'gpt9'"],
    )


def test_the_stages_as_commands(tmp_path, news, tiny_encoder, tiny_teacher, capsys):
    command("seeds", "sample", news, "--per-class", 3, "--out", tmp_path / "seeds.jsonl")
    command(
        "corpus", "embed", news / "docs.jsonl", "--encoder", tiny_encoder, "--out", tmp_path / "emb"
    )
    command(
        "retrieve",
        tmp_path / "seeds.jsonl",
        tmp_path / "emb",
        "--top-k",
        6,
        "--out",
        tmp_path / "retrieved.jsonl",
    )
    command(
        "build-inputs",
        tmp_path / "retrieved.jsonl",
        "--task",
        "ag_news",
        "--ranks",
        "3-6",
        "--range",
        "0,1",
        "--icl-range",
        "0,1",
        "--context-tokens",
        "5,40",
        "--out",
        tmp_path,
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert sum(report["inputs"].values()) == len(read_lines(tmp_path / "inputs.jsonl"))
    few = tmp_path / "few.jsonl"
    arguments = ["--task", "ag_news", "--max-new-tokens", 6, "--no-cache", "--out", few]
    arguments += ["--teacher", f"hf:{tiny_teacher}"]
    command("fewgen", tmp_path / "seeds.jsonl", "--shots", 2, "-n", 2, *arguments)
    assert len(read_rows(few, Generation)) == 8
    command(
        "parse",
        few,
        "--task",
        "ag_news",
        "--fewgen",
        "--truncated",
        "keep",
        "--out",
        tmp_path / "synthetic.jsonl",
        "--dataset",
        tmp_path / "card",
    )
    assert "| Sports | 2 |" in (tmp_path / "card" / "README.md").read_text()
    command(
        "filter",
        tmp_path / "synthetic.jsonl",
        "--keep",
        0.5,
        "--student",
        f"hf:{tiny_encoder}",
        "--epochs",
        2,
        "--out",
        tmp_path / "f",
    )
    table = read_lines(tmp_path / "f" / "cartography.jsonl")
    kept = read_lines(tmp_path / "f" / "synthetic.filtered.jsonl")
    assert len(table) == 8 and {row["id"] for row in kept} == {
        row["id"] for row in table if row["kept"]
    }
    capsys.readouterr()
    command(
        "train",
        tmp_path / "synthetic.jsonl",
        news / "test.jsonl",
        "--student",
        "probe",
        "--runs",
        2,
        "--out",
        tmp_path / "s",
    )
    found = json.loads((tmp_path / "s" / "student.json").read_text())
    assert found["n_train"] == 8 and len(found["runs"]) == 2
    assert "probe: accuracy" in capsys.readouterr().out
