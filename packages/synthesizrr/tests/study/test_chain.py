import json
import shutil
from importlib.resources import as_file, files

from synthesizrr.records import Synthetic, read_rows

from ..conftest import command, fails, read_lines, write_rows

RUN = """
task: {task}
teacher: {teacher}
train: {news}/train.jsonl
test: {news}/test.jsonl
corpus: {news}/docs.jsonl
per_class: 4
encoder: minilm
top_k: 8
icl_range: [0.0, 1.0]
range: [0.0, 1.0]
ranks: [3, 4, 5, 6]
context_tokens: [5, 40]
per_label: 2
generate: {{shots: 1, icl_groups: 1, max_new_tokens: 8}}
metrics: [length, self-bleu, mauve, label-preservation]
student: probe
runs: 2
truncated: keep
cache: false
"""


def test_the_whole_chain_from_one_file(tmp_path, news, capsys):
    """`run` leaves every stage's file and does not repeat what is there."""
    from datasets import load_dataset

    config = tmp_path / "run.yaml"
    text = RUN.format(task="ag_news", teacher="smollm2", news=news)
    config.write_text(text := text.replace("per_label: 2", "per_label: 1"))
    out = tmp_path / "out"
    command("run", "--config", config, "--out", out, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert summary["student"]["n_test"] == 20 and summary["metrics"]["synthetic.jsonl"]["mauve"]
    names = {file.name for file in out.iterdir()}
    assert names >= {
        "seeds.jsonl",
        "emb",
        "retrieved.jsonl",
        "icl.jsonl",
        "inputs.jsonl",
        "report.json",
        "generations.jsonl",
        "synthetic.jsonl",
        "metrics.json",
        "student.json",
        "dataset",
    }
    rows = read_rows(out / "synthetic.jsonl", Synthetic)
    inputs = {row["id"]: row for row in read_lines(out / "inputs.jsonl")}
    for row in rows:
        source = inputs[row.id.rpartition("###")[0]]
        assert (row.doc_id, row.seed_id, row.label) == (
            source["doc_id"],
            source["seed_id"],
            source["label"],
        )
    table = load_dataset(str(out / "dataset"), split="train", cache_dir=str(tmp_path))
    assert table["text"] == [row.text for row in rows]
    assert table.features["label"].names[table["label"][0]] == rows[0].label
    stamp = (out / "generations.jsonl").stat().st_mtime_ns
    (out / "student.json").unlink()
    command("run", "--config", config, "--out", out)
    assert (out / "generations.jsonl").stat().st_mtime_ns == stamp
    assert (out / "student.json").exists()
    config.write_text(text.replace("top_k: 8", "top_k: 9"))
    fails("run", "--config", config, "--out", out, told=["top_k was 8 and is 9"])


def test_a_label_with_a_quote_goes_through_the_whole_chain(tmp_path, news, tiny_teacher):
    """With a task of one's own."""
    names = {"World": 'it\'s "world"', "Sports": "sports & {games}"}
    for file in ("train", "test"):
        rows = [
            row | {"label": names[row["label"]]}
            for row in read_lines(news / f"{file}.jsonl")
            if row["label"] in names
        ]
        write_rows(tmp_path / f"{file}.jsonl", rows)
    (tmp_path / "docs.jsonl").write_text((news / "docs.jsonl").read_text())
    labels = {names["World"]: "politics", names["Sports"]: "matches"}
    task = {
        "name": "mine",
        "labels": labels,
        "document_header": "Doc:",
        "answer_prefix": "Text:",
        "instruction": "Say it about {{ label }}.",
        "fewgen_instruction": "Tell {{ label }}.",
    }
    (tmp_path / "task.yaml").write_text(json.dumps(task))
    config = tmp_path / "run.yaml"
    config.write_text(RUN.format(task="task.yaml", teacher=f"hf:{tiny_teacher}", news="."))
    command("run", "--config", config, "--out", tmp_path / "out")
    found = {row["label"] for row in read_lines(tmp_path / "out" / "synthetic.jsonl")}
    assert found == set(labels)
    student = json.loads((tmp_path / "out" / "student.json").read_text())
    assert set(student["runs"][0]["confusion"]) == set(labels)


def test_a_task_of_ones_own_loses_nothing_in_silence(tmp_path, capsys):
    """Four labels and 200 documents, as shipped: of 20 inputs six are lost, each for a reason."""
    with as_file(files("synthesizrr").joinpath("data/mini")) as folder:
        shutil.copytree(folder, tmp_path / "mine")
    config, said, out = tmp_path / "mine" / "run.yaml", tmp_path / "said.jsonl", tmp_path / "out"
    text = config.read_text().replace("metrics: [length, self-bleu, entity]\nstudent: probe\n", "")
    assert len(read_lines(tmp_path / "mine" / "docs.jsonl")) == 200 and "student:" not in text
    config.write_text(f"{text}tokenizer: smollm2\nretriever: bm25\nmetrics: [length]\n")
    words = ["run", "--config", config, "--teacher", f"replay:{said}", "--out", out]
    write_rows(said, [{"id": "nobody", "text": "No."}])
    fails(*words, told=["no generation: 20 of 20 requests failed, 0 too long"])
    asked = read_lines(out / "inputs.jsonl")
    answers = {row["id"]: {"text": f"News {n}."} for n, row in enumerate(asked)}
    world = [answers[row["id"]] for row in asked if row["label"] == "World"]
    world[0]["text"] = "I'm sorry, but I can't help with that."
    world[1]["text"] = ""
    world[2]["text"] = f" {world[3]['text'].upper()} "
    world[4] |= {"text": "Officials from", "finish_reason": "length"}
    sports = [row["id"] for row in asked if row["label"] == "Sports"]
    answers[sports[0]]["finish_reason"] = "filtered"
    del answers[sports[1]]
    write_rows(said, [{"id": name} | answer for name, answer in answers.items()])
    capsys.readouterr()
    command(*words, "--overwrite", code=3)
    assert "What became of the inputs" in capsys.readouterr().out
    generated, parsed = (json.loads((out / f"{n}.json").read_text()) for n in ("generate", "parse"))
    assert (generated["asked"], generated["failed"], generated["too_long"]) == (20, 1, 0)
    lost = dict.fromkeys(("refused", "filtered", "truncated", "empty", "duplicate"), 1)
    assert parsed | lost == parsed and parsed["copied"] == 0
    assert (parsed["generations"], parsed["texts"]) == (19, 14)
    labels = {"Business": 5, "Sci/Tech": 5, "Sports": 3, "World": 1}
    rows = read_lines(out / "synthetic.jsonl")
    assert {name: sum(row["label"] == name for row in rows) for name in labels} == labels
    card = (out / "dataset" / "README.md").read_text()
    assert all(f"| {name} | {count} |" in card for name, count in labels.items())
