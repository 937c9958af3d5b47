import json
import os
import signal
import subprocess
import time

from synthesizrr.records import Generation, read_rows
from tenpapers.testing import start

from ..conftest import command, fails, inputs, pool, read_lines, write_rows


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


def test_a_killed_run_goes_on_without_doubles(tmp_path, tiny_teacher, capsys):
    """A process that writes slowly is killed after its first lines; a second one does the rest."""
    write_rows(tmp_path / "inputs.jsonl", [row.model_dump() for row in inputs(24)])
    write_rows(tmp_path / "icl.jsonl", [row.model_dump() for row in pool()])
    out = tmp_path / "generations.jsonl"
    options = "--task ag_news --shots 1 --icl-groups 1 --max-new-tokens 8 --no-cache --json"
    files = (tmp_path / "inputs.jsonl", tmp_path / "icl.jsonl")
    arguments = ["generate", *files, *options.split(), "--out", out]
    arguments += ["--teacher", f"hf:{tiny_teacher}"]
    slowly = (
        "import time\n"
        "from tenpapers.records import Appender\n"
        "write = Appender.write\n"
        "Appender.write = lambda *given: (write(*given), time.sleep(0.3))"
    )
    words = start("synthesizrr", *arguments, before=slowly)
    run = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (out.exists() and out.stat().st_size):
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    first = read_lines(out)
    assert 0 < len(first) < 24
    command(*arguments)
    assert json.loads(capsys.readouterr().out)["done_before"] >= len(first) - 1
    after = [row["id"] for row in read_lines(out)]
    assert len(after) == len(set(after)) == 24
