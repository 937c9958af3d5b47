import gzip
import json

import pytest

from ..conftest import command, fails, write_rows


def texts(*rows):
    return [{"id": str(n), "text": text, "label": "x"} for n, text in enumerate(rows)]


def test_evaluate_writes_the_fixed_interface(tmp_path):
    file = write_rows(
        tmp_path / "a.jsonl",
        texts("the cat sat on the mat", "the cat sat on a mat", "a dog ran in the park today"),
    )
    command(
        "evaluate",
        file,
        "--metrics",
        "self-bleu,length,entity",
        "--tokenizer",
        "whitespace",
        "--out",
        tmp_path / "out",
    )
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())["a.jsonl"]
    assert found["n"] == 3
    assert found["self_bleu"] == pytest.approx(
        {
            "1": 0.7063492063492064,
            "2": 0.5169033354540887,
            "3": 0.4483535296897452,
            "4": 0.3796359187307237,
            "5": 0.2395824683672387,
        },
        abs=1e-12,
    )
    assert found["length"]["mean"] == pytest.approx(23) and found["length"]["std"] > 0
    for one in found["entity_entropy"].values():
        assert one.keys() == {"entropy_bits", "n", "distinct"}


def test_compare_takes_packed_files_and_equal_sizes(tmp_path):
    a = write_rows(tmp_path / "a.jsonl", texts(*(f"row {n} of a" for n in range(8))))
    b = tmp_path / "b.jsonl.gz"
    with gzip.open(b, "wt") as stream:
        stream.writelines(json.dumps({"text": f"b {n}"}) + "\n" for n in range(5))
    command("compare", a, b, "--metrics", "self-bleu", "--out", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {name: one["n"] for name, one in found.items()} == {"a.jsonl": 5, "b.jsonl.gz": 5}
    command(
        "compare",
        a,
        b,
        "--metrics",
        "self-bleu",
        "--no-equalize",
        "-n",
        6,
        "--out",
        tmp_path / "out",
    )
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {name: one["n"] for name, one in found.items()} == {"a.jsonl": 6, "b.jsonl.gz": 5}


def test_two_files_of_one_name_are_told_apart(tmp_path):
    files = [write_rows(tmp_path / name / "x.jsonl", texts("a b", "b c")) for name in "pq"]
    command("compare", *files, "--metrics", "length", "--out", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(found) == [str(file) for file in files]
    fails("compare", files[0], files[0], "--out", tmp_path, told=["given twice"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no records in it"),
        ('{"text": "a"}\n{"text": 3}\n', ":2: text:"),
        ('{"text": "a"}\n{"txt": "b"}\n', ":2: missing field 'text'"),
        ('{"text": "a"}\n{broken\n', ":2: not JSON"),
        (b'{"text": "\xff"}\n', ":1: not UTF-8"),
        ('{"text": "only one"}\n', "need at least 2 documents"),
    ],
)
def test_bad_files_of_texts(tmp_path, content, told):
    file = tmp_path / "bad.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    fails(
        "evaluate",
        file,
        "--metrics",
        "self-bleu",
        "--out",
        tmp_path / "o",
        told=["bad.jsonl", told],
    )


def test_one_line_and_exit_code_2(cli, tmp_path):
    done = cli("evaluate", tmp_path / "none.jsonl", "--out", tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ") and "no such file" in done.stderr


def test_long_lines_and_any_script_are_measured(tmp_path):
    file = write_rows(tmp_path / "x.jsonl", texts("word " * 200_000, "किताब 書 🎈", "word word"))
    command(
        "evaluate",
        file,
        "--metrics",
        "self-bleu,length",
        "--tokenizer",
        "whitespace",
        "--out",
        tmp_path,
    )
    assert json.loads((tmp_path / "metrics.json").read_text())["x.jsonl"]["n"] == 3


def test_judge_writes_what_the_judge_said(tmp_path, tiny_teacher, capsys):
    row = {"id": "1", "text": "A b.", "label": "x", "context": "C d. E f."}
    file = write_rows(tmp_path / "s.jsonl", [row, row | {"id": "2"}])
    model = f"hf:{tiny_teacher}"
    command("judge", file, "--judge", model, "-n", 1, "--no-cache", "--out", tmp_path)
    found = json.loads((tmp_path / "rag.json").read_text())
    assert found["rows"] == 1 and found["judge"] == model
    assert "context relevance" in capsys.readouterr().out


def test_options_win_over_the_file(tmp_path):
    file = write_rows(tmp_path / "a.jsonl", texts("a b c", "a b d"))
    config = tmp_path / "c.yaml"
    config.write_text("metrics: [self-bleu, length]\nmax_n: 3\ntokenizer: whitespace\n")
    for more, orders, measured in (
        ([], "123", {"n", "self_bleu", "length"}),
        (["--max-n", 2, "--metrics", "self-bleu"], "12", {"n", "self_bleu"}),
    ):
        command("evaluate", file, "--config", config, *more, "--out", tmp_path / "o")
        found = json.loads((tmp_path / "o" / "metrics.json").read_text())["a.jsonl"]
        assert found.keys() == measured and list(found["self_bleu"]) == list(orders)
    fails("evaluate", file, "--tokenizer", "bpe", "--out", tmp_path, told=["--tokenizer", "bpe"])
    config.write_text("tokenizer: bpe\n")
    fails("evaluate", file, "--config", config, "--out", tmp_path, told=["c.yaml", "tokenizer"])
