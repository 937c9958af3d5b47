"""What commands promise of the files that they write: killed, resumed, mixed up, locked."""

import json
import os
import socket

import pytest
from filelock import FileLock
from tenpapers.testing import (
    Journalled,
    check_journal,
    command,
    fails,
    kill_process,
    read_rows,
    write_rows,
)


def runs(world):
    """Every command that takes long: each keeps what it did, and asks again what failed."""
    teachers, models = (
        [f"replay:{world / f'{kind}-{name}.jsonl'}" for name in ("one", "two")]
        for kind in ("teacher", "model")
    )
    tiny, other = world / "tiny", world / "other"
    claims, train = world / "claims.jsonl", world / "train.jsonl"
    candidates = ["--candidates", world / "candidates.jsonl"]
    labels = [*candidates, "--references", claims]
    training = ["--base", tiny, "--scope", "head", "--epochs", 2, "--batch", 2, "--device", "cpu"]
    found = ["--index", world / "index", "--mode", "bm25", "--k", 2]
    reader, judge = ["--reader", models[0]], ["--judge", models[0]]
    judged = world / "mocha.jsonl"
    short = ["--epochs", 2, "--lr", 1e-3, "--warmup", 1, "--base", tiny]
    return {
        "index": Journalled(
            ["index", "--passages", world / "passages.jsonl", "--encoder", tiny],
            ["passages.jsonl", "pids.npy", "vectors.npy", "index.json", "bm25/values.npy"],
            others=[
                (["--dtype", "fp16"], 'dtype was "fp32" and is "fp16"'),
                (["--encoder", "none"], "encoder none is not"),
                (["--encoder", other], f"encoder {other} is not {tiny} of then"),
            ],
            changed=world / "passages.jsonl",
        ),
        "distill": Journalled(
            ["signals", "distill", *labels, "--teacher", teachers[0]],
            out="labels.jsonl",
            others=[
                (["--teacher", teachers[1]], f"teacher {teachers[1]} is not {teachers[0]} of then"),
                (["--windows", 2], "windows was 10 and is 2"),
            ],
            changed=claims,
            failed=lambda row: row | {"judgements": [], "error": "busy", "noted": {"failed": 1}},
            failed_code=3,
        ),
        "lerc": Journalled(
            ["signals", "lerc", *labels, *reader, "--scorer", "f1"],
            out="labels.jsonl",
            others=[
                (["--reader", models[1]], f"reader {models[1]} is not {models[0]} of then"),
                (["--hi", 0.9], "hi was 0.7 and is 0.9"),
                (["--scorer", "meteor"], 'scorer was "f1" and is "meteor"'),
            ],
            changed=claims,
            failed=lambda row: row | {"error": "busy", "noted": {"failed": 4}},
            failed_code=3,
        ),
        "train": Journalled(
            ["train", "--train", train, *training],
            ["heads.safetensors", "metrics.json", "cfr_config.json"],
            others=[
                (["--base", other], f"base {other} is not {tiny} of then"),
                (["--temperature", 0.1], "temperature was 0.05 and is 0.1"),
            ],
            changed=train,
        ),
        "export": Journalled(
            ["export", "--model", tiny],
            ["model.safetensors", "modules.json", "cfr_config.json"],
            others=[(["--model", other], f"model {other} is not {tiny} of then")],
        ),
        "train-lerc": Journalled(
            ["train-lerc", "--train", judged, *short],
            ["metrics.json", "model/model.safetensors"],
            others=[
                (["--epochs", 1], "epochs was 2 and is 1"),
                (["--base", other], f"base {other} is not {tiny} of then"),
            ],
            changed=judged,
            kills=1,
        ),
        "answer": Journalled(
            ["answer", "--ranked", world / "ranked.jsonl", *candidates, *reader],
            out="a.jsonl",
            others=[
                (["--reader", models[1]], f"reader {models[1]} is not {models[0]} of then"),
                (["--topk", 1], "topk was 5 and is 1"),
            ],
            changed=world / "ranked.jsonl",
            failed=None,  # what failed has no row
        ),
        "verify": Journalled(
            ["verify", "--claims", claims, *found, *reader, *judge],
            out="v.jsonl",
            others=[
                (["--judge", models[1]], f"judge {models[1]} is not {models[0]} of then"),
                (["--no-filters"], "filters was true and is false"),
            ],
            changed=claims,
            failed=None,
        ),
    }


@pytest.mark.parametrize(
    "name", ["index", "distill", "lerc", "train", "export", "train-lerc", "answer", "verify"]
)
def test_a_command_keeps_the_promises_of_runs(world, tmp_path, name):
    check_journal("cfr", runs(world)[name], tmp_path)


def one_go(world):
    """Every command that writes its file in one go, and a file that it reads."""
    candidates, claims = world / "candidates.jsonl", world / "claims.jsonl"
    pages, passages = world / "pages.jsonl", world / "passages.jsonl"
    queries, labels, answers = (world / f"{name}.jsonl" for name in ("queries", "gold", "answers"))
    given = ["--candidates", candidates]
    search = ["search", "--index", world / "index", "--mode", "dense", "--queries", queries]
    return {
        "chunk": (["chunk", "--pages", pages], pages),
        "candidates": (["candidates", "--claims", claims, "--store", world / "store"], claims),
        "search": (search, queries),
        "rerank": (["rerank", *given, "--model", world / "tiny", "--no-cache"], candidates),
        "bench": (["bench", "bm25", "--data", passages], passages),
        "gold": (["signals", "gold", *given, "--references", claims], claims),
        "make-train": (["make-train", "--labels", labels, *given], candidates),
        "synth": (["synth", "--n", 20], None),
        "score-answers": (["score-answers", "--scorer", "f1", "--in", answers], answers),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("chunk", "candidates", "search", "rerank", "bench"),
        *("gold", "make-train", "synth", "score-answers"),
    ],
)
def test_a_command_of_one_go_makes_its_own_file_anew_and_no_other(world, tmp_path, name):
    words, reads = one_go(world)[name]
    out = tmp_path / "out.jsonl"
    command("cfr", *words, "--out", out)
    first = out.read_bytes()
    command("cfr", *words, "--out", out)
    assert first and (name == "bench" or out.read_bytes() == first)
    with FileLock(out.with_name(f".{out.name}.journal.lock")):
        told = [f"process {os.getpid()} on {socket.gethostname()} works there"]
        fails("cfr", *words, "--out", out, told=told)
    mine = tmp_path / "mine.jsonl"
    mine.write_text("mine")
    fails("cfr", *words, "--out", mine, told=["mine.jsonl: was not made by this run"])
    assert mine.read_text() == "mine"
    if reads is not None:
        before = reads.read_bytes()
        fails("cfr", *words, "--out", reads, told=[f"{reads}: is an input of this run"])
        assert reads.read_bytes() == before


def test_one_file_is_not_made_by_two_commands(world, tmp_path):
    out = tmp_path / "out.jsonl"
    command("cfr", *one_go(world)["chunk"][0], "--out", out)
    fails("cfr", *one_go(world)["synth"][0], "--out", out, told=["command was", "cfr chunk"])


def test_a_killed_process_goes_on(world, tmp_path):
    file = tmp_path / "labels.jsonl"
    words = [*runs(world)["distill"].arguments, "--out", file]
    kill_process("cfr", *words, file=file, lines=1)
    assert 1 <= len(read_rows(file)) < 3
    command("cfr", *words)
    assert [row["qid"] for row in read_rows(file)] == ["0:0", "1:0", "2:0"]


def test_labels_of_a_data_set_are_a_file_of_their_own(tmp_path):
    fact = {"title": ["B"], "sent_id": [0]}
    context = {"title": ["A", "B"], "sentences": [["x"], ["y"]]}
    row = {"id": "5a", "question": "q", "supporting_facts": fact, "context": context}
    given = write_rows(tmp_path / "hub.jsonl", [row])
    out, labels = tmp_path / "candidates.jsonl", tmp_path / "labels.jsonl"
    words = ["convert", "hotpotqa", given, "--out", out]
    labels.write_text(json.dumps("mine"))
    fails("cfr", *words, "--labels", labels, told=["labels.jsonl: was not made by this run"])
    assert labels.read_text() == '"mine"'
    labels.unlink()
    command("cfr", *words, "--labels", labels)
    command("cfr", *words, "--labels", labels)
    assert [len(read_rows(file)) for file in (out, labels)] == [1, 1]
