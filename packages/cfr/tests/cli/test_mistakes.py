"""Every mistake of a user is one line, with exit code 2 and no traceback; some are only told."""

import json
import logging

import pytest
from tenpapers.testing import command, fails, process, read_rows, write_rows

from ..retrieval.conftest import make_checkpoint

CLAIM = {"claim_id": 1, "claim": "the vaccine was tested"}
QUERY = {"qid": "1:0", "claim": "the vaccine was tested"}
PASSAGE = {"pid": "a", "text": "oil prices rose"}
JUDGEMENT = {"pid": "a", "score": 1.0, "rel": 1}
READING = {
    "chunk": "chunk --pages BAD --out O",
    "index": "index --passages BAD --encoder none --out O",
    "search": "search --index W/index --mode bm25 --queries BAD --out O",
    "candidates": "candidates --claims BAD --store W/store --out O",
    "rerank": "rerank --candidates BAD --model W/tiny --out O",
    "gold": "signals gold --candidates W/candidates.jsonl --references BAD --out O",
    "make-train": "make-train --labels BAD --candidates W/candidates.jsonl --out O",
    "train": "train --train BAD --base W/tiny --out O",
    "answer": "answer --ranked BAD --candidates W/candidates.jsonl --reader replay:R --out O",
    "verify": "verify --claims BAD --evidence none --judge replay:R --out O",
    "retrieval": "evaluate retrieval --pred BAD --ref W/gold.jsonl",
    "answers": "evaluate answers --pred BAD --ref W/claims.jsonl",
    "veracity": "evaluate veracity --pred BAD --ref W/claims.jsonl",
    "averitec": "evaluate averitec --pred BAD --ref W/claims.jsonl",
    "score-answers": "score-answers --scorer f1 --in BAD --out O",
    "train-lerc": "train-lerc --train BAD --base W/tiny --out O",
}


@pytest.fixture
def line(world, tmp_path):
    """The words of a command line: W the world's folder, BAD a bad file, R a model's record."""
    known = {"BAD": tmp_path / "bad.jsonl", "O": tmp_path / "out", "R": world / "model-one.jsonl"}

    def words(text):
        for name, path in known.items():
            text = " ".join(
                str(path) if word == name else word.replace(f":{name}", f":{path}")
                for word in text.split()
            )
        return text.replace("W/", f"{world}/").split()

    return words


@pytest.mark.parametrize("name", READING)
def test_a_file_that_is_empty_or_no_json_is_named(line, tmp_path, name):
    bad = tmp_path / "bad.jsonl"
    words = line(READING[name])
    fails("cfr", *words, told=["bad.jsonl: no such file"])
    bad.write_text("")
    fails("cfr", *words, told=["bad.jsonl: no r"])  # records, rows
    bad.write_text('{"pid": \n')
    fails("cfr", *words, told=["bad.jsonl:1: not JSON"])


@pytest.mark.parametrize(
    ("name", "rows", "told"),
    [
        ("chunk", [{"url": "u"}], ":1: missing field 'text'"),
        ("index", [PASSAGE, {"pid": "b"}], ":2: missing field 'text'"),
        ("index", [PASSAGE, PASSAGE], ": pid 'a' stands there twice"),
        ("search", [{"qid": "1:0"}], ":1: missing field 'claim'"),
        ("search", [QUERY, QUERY], ": qid '1:0' stands there twice"),
        ("search", [QUERY | {"claim": "  "}], ": query 1:0: its claim is empty"),
        ("candidates", [{"claim_id": 1}], ":1: missing field 'claim'"),
        ("candidates", [CLAIM | {"claim": ""}], ":1: the claim is empty"),
        ("candidates", [CLAIM, CLAIM], ": claim_id '1' stands there twice"),
        ("rerank", [QUERY, QUERY], ": qid '1:0' stands there twice"),
        ("rerank", [QUERY | {"passages": [PASSAGE] * 2}], ": 1:0: pid 'a' stands there twice"),
        ("rerank", [QUERY | {"passages": [{"pid": "a"}]}], ":1: missing field 'passages.0.text'"),
        ("make-train", [{"qid": "1:0", "signal": "gold", "judgements": [{}]}], "judgements.0.pid"),
        ("make-train", [{"qid": "1:0", "signal": "click"}], "signal: Input should be 'gold'"),
        ("train", [QUERY, QUERY], ": qid '1:0' stands there twice"),
        ("train", [QUERY], "has a positive"),
        ("answer", [{"results": []}], ":1: missing field 'qid'"),
        ("veracity", [{"claim_id": 1}], ":1: missing field 'pred_label'"),
        ("veracity", [{"claim_id": 0, "pred_label": "Maybe"}], "'Maybe' is no label of averitec"),
        ("averitec", [{"claim_id": 0, "pred_label": "Refuted"}] * 2, "claim 0: has two verdicts"),
        ("averitec", [{"claim_id": 9, "pred_label": "Refuted"}], "claim 9"),
        ("score-answers", [{"question": "q", "candidate": "c"}], "missing field 'references'"),
        ("train-lerc", [{"context": "c"}], ":1: missing field"),
    ],
)
def test_a_row_that_cannot_be_is_named(line, tmp_path, name, rows, told):
    write_rows(tmp_path / "bad.jsonl", rows)
    fails("cfr", *line(READING[name]), told=[told])
    assert not (tmp_path / "out").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("chunk --pages W/pages.jsonl --out O --window 0", "--window 0: 1 or more"),
        ("chunk --pages W/pages.jsonl --out O --stride 0", "--stride 0: 1 or more"),
        ("chunk --pages W/pages.jsonl --out O --window 2 --stride 3", "longer than --window 2"),
        ("search --index W --queries W/queries.jsonl --out O", "no index in it"),
        ("search --index W/index --queries W/queries.jsonl --out O --k 0", "k = 0"),
        ("rerank --candidates W/candidates.jsonl --out O --model nobody/none", "model.safetensors"),
        ("train --train W/train.jsonl --base nobody/none --out O", "nobody/none"),
        ("train-lerc --train W/mocha.jsonl --base nobody/none --out O", "nobody/none"),
        ("score-answers --scorer lerc --in W/answers.jsonl --out O", "lerc-2020-11-18.tar.gz"),
        ("convert hotpotqa --out O", "hotpot_dev_distractor_v1.json"),
        ("verify --claim x --evidence none --judge gpt", "unknown model 'gpt'"),
    ],
)
def test_settings_that_cannot_be_are_refused(line, words, told):
    fails("cfr", *line(words.replace("--index W ", "--index W/store ")), told=[told])


def test_an_index_of_another_encoder_is_refused_and_one_of_other_dimensions_always(
    world, line, tmp_path
):
    common = line("search --index W/index --queries W/queries.jsonl --out O --mode dense")
    told = ["made with another encoder", "--force"]
    fails("cfr", *common, "--model", world / "other", told=told)
    fails("cfr", *common, "--score", "dot", told=["made for cosine, the encoder for dot"])
    command("cfr", *common, "--model", world / "other", "--force")
    narrow = make_checkpoint(tmp_path / "narrow", dim=16)
    told = ["16 dimensions, the index has 32"]
    fails("cfr", *common, "--model", narrow, "--force", told=told)


def test_a_vector_that_is_no_number_names_its_passage(world, line, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    broken = make_checkpoint(tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][:] = torch.nan
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    words = line("index --passages W/passages.jsonl --out O")
    told = ["a: its vector has a number that is not finite"]
    fails("cfr", *words, "--encoder", broken, told=told)


def test_what_is_odd_but_can_be_done_is_told(world, line, tmp_path, caplog, capsys):
    bad = tmp_path / "bad.jsonl"
    with caplog.at_level(logging.WARNING):
        write_rows(bad, [CLAIM])
        command("cfr", *line(f"{READING['search']} --k 9"))
        write_rows(bad, [QUERY | {"passages": []}])
        capsys.readouterr()
        command("cfr", *line(READING["rerank"])[:-1], tmp_path / "reranked.jsonl", "--json")
    assert read_rows(tmp_path / "reranked.jsonl") == [{"qid": "1:0", "results": []}]
    assert json.loads(capsys.readouterr().out) == {"queries": 1, "without_candidates": 1}
    assert "1 claims have no questions: they are asked alone" in caplog.text
    assert "k = 9, the index has 4 passages: all of them" in caplog.text
    assert "1 of 1 queries have no passages" in caplog.text


def test_a_mistake_ends_a_process_with_code_2_and_one_line(tmp_path):
    done = process("cfr", "chunk", "--pages", "none.jsonl", "--out", tmp_path / "out")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == ["error: none.jsonl: no such file"]
