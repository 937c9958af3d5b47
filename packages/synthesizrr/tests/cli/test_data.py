import gzip
import json

from ..conftest import command, fails, read_lines, write_rows


def test_datasets_list(capsys):
    command("datasets", "list")
    out = capsys.readouterr().out
    assert "ag_news" in out and "toi_headlines" in out


def test_prepare_writes_splits_and_shards(tmp_path, capsys):
    rows = [{"text": f"text {n}", "label": "a", "split": "test" if n else "train"} for n in (0, 1)]
    file, out = write_rows(tmp_path / "mine.jsonl", rows), tmp_path / "out"
    command("datasets", "prepare", "jsonl", "--src", file, "--out", out, "--json")
    assert json.loads(capsys.readouterr().out) == {"train": 1, "test": 1}
    assert read_lines(out / "test.jsonl") == [{"id": "row-2", "text": "text 1", "label": "a"}]
    again = ["datasets", "prepare", "jsonl", "--src", file, "--out", out]
    fails(*again, "--task", "ag_news", told=['task was null and is "ag_news"'])
    command("corpus", "prepare", "jsonl", "--src", file, "--shard-size", 1, "--out", out)
    assert "2 documents in 2 files" in capsys.readouterr().out
    with gzip.open(out / "docs-00001.jsonl.gz", "rt") as lines:
        assert json.loads(lines.read())["text"] == "text 1"


def test_a_file_may_hold_what_an_option_does_not(tmp_path):
    rows = write_rows(tmp_path / "mine.jsonl", [{"text": "a"}])
    config = tmp_path / "corpus.yaml"
    config.write_text(f"src: {rows}\nshard_size: 0\n")
    arguments = ["corpus", "prepare", "jsonl", "--config", config, "--out", tmp_path / "out"]
    fails(*arguments, told=["corpus.yaml", "shard_size", "below 1"])
    command(*arguments, "--shard-size", 1)
    fails("corpus", "prepare", "jsonl", "--out", tmp_path / "out2", told=["src is missing"])
