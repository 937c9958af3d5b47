from ..conftest import command, fails, read_lines, write_rows


def seed_rows(*labels):
    return [
        {"id": f"s{n}", "text": f"Text {n} here.", "label": label} for n, label in enumerate(labels)
    ]


def test_bad_seeds(tmp_path, news):
    out = ["--out", tmp_path / "seeds.jsonl"]
    file = write_rows(tmp_path / "t.jsonl", seed_rows("World", "Weather"))
    fails(
        "seeds",
        "sample",
        file,
        "--per-class",
        1,
        "--task",
        "ag_news",
        *out,
        told=["t.jsonl:2", "label 'Weather' is not in the task"],
    )
    write_rows(file, [{"id": "1", "text": " ", "label": "World"}])
    fails("seeds", "sample", file, "--per-class", 1, *out, told=["t.jsonl:1", "text", "is empty"])
    write_rows(file, seed_rows("World"))
    fails(
        "seeds",
        "sample",
        file,
        "--per-class",
        1,
        "--task",
        "ag_news",
        *out,
        told=["no example of label"],
    )
    fails("seeds", "sample", file, *out, told=["how many seeds?"])
    fails("seeds", "sample", news / "train.jsonl", "--seed-size", 6, *out, told=["do not divide"])
    write_rows(file, [*seed_rows("a"), *seed_rows("a")])
    fails("seeds", "sample", file, "--per-class", 1, *out, told=["t.jsonl:2", "id 's0' repeats"])


def test_bad_corpora_and_embeddings(tmp_path, news, tiny_encoder):
    empty = write_rows(tmp_path / "empty.jsonl", [{"id": "a", "text": " "}])
    fails(
        "corpus",
        "embed",
        empty,
        "--encoder",
        tiny_encoder,
        "--out",
        tmp_path / "e",
        told=["no document to encode"],
    )
    fails(
        "corpus",
        "embed",
        news / "docs.jsonl",
        "--encoder",
        "contriever",
        "--out",
        tmp_path / "c",
        told=["facebook/contriever: cannot be loaded", "minilm"],
    )
    docs = write_rows(
        tmp_path / "docs.jsonl", [{"id": str(n), "text": f"doc {n}"} for n in range(4)]
    )
    emb = tmp_path / "emb"
    command("corpus", "embed", docs, "--encoder", tiny_encoder, "--out", emb)
    seeds = write_rows(tmp_path / "seeds.jsonl", seed_rows("World"))
    out = ["--out", tmp_path / "retrieved.jsonl"]
    write_rows(docs, [{"id": "other", "text": "changed"}])
    fails("retrieve", seeds, emb, *out, told=["its hash differs"])
    fails("retrieve", seeds, tmp_path / "nothing", *out, told=["nothing: no such file"])


def test_what_exists_is_not_overwritten(tmp_path):
    file = write_rows(tmp_path / "seeds.jsonl", seed_rows("a", "b"))
    before = file.read_text()
    arguments = ["seeds", "sample", file, "--per-class", 1, "--out", file]
    for more in ([], ["--overwrite"]):
        fails(*arguments, *more, told=["seeds.jsonl: is an input of this run"])
    assert file.read_text() == before


def test_a_file_may_hold_the_options_of_a_command(tmp_path, news):
    config = tmp_path / "seeds.yaml"
    config.write_text("per-class: 2\nseed: 7\n")
    out = tmp_path / "seeds.jsonl"
    command("seeds", "sample", news, "--config", config, "--out", out)
    assert len(read_lines(out)) == 8
    command(
        "seeds", "sample", news, "--config", config, "--per-class", 1, "--out", out, "--overwrite"
    )
    assert len(read_lines(out)) == 4
    config.write_text("classes: 2\n")
    fails(
        "seeds",
        "sample",
        news,
        "--config",
        config,
        "--out",
        out,
        told=["seeds.yaml: classes: unknown setting", "per_class"],
    )
    config.write_text("[1\n")
    fails("seeds", "sample", news, "--config", config, "--out", out, told=["not YAML"])
    fails("seeds", "sample", news, "--config", tmp_path / "no", "--out", out, told=["no such"])
