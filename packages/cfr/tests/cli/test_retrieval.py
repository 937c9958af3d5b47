import json
import time

import numpy as np
import pytest
from cfr.inputs.averitec_pool import CLAIMS
from tenpapers.testing import command, fails, imports_of_help, kill_when, read_rows, write_rows

from ..retrieval.conftest import make_checkpoint

TEXTS = ["the vaccine was tested in mice", "trump praised the vaccine", "oil prices rose"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def passages(tmp_path):
    rows = [{"pid": f"p{n}", "text": text, "mine": n} for n, text in enumerate(TEXTS)]
    return write_rows(tmp_path / "passages.jsonl", rows)


@pytest.fixture
def queries(tmp_path):
    rows = [
        {"qid": "0:0", "claim": "oil fell", "question": "prices"},
        {"qid": "0:1", "claim": "vaccine", "question": ""},
    ]
    return write_rows(tmp_path / "queries.jsonl", rows)


def ranked(file):
    rows = read_rows(file)
    for row in rows:
        ranks = [result["rank"] for result in row["results"]]
        scores = [result["score"] for result in row["results"]]
        assert ranks == list(range(1, len(ranks) + 1)) and scores == sorted(scores, reverse=True)
    return {row["qid"]: [result["pid"] for result in row["results"]] for row in rows}


def test_pages_become_windows(tmp_path):
    words = " ".join(f"w{n}" for n in range(60))
    pages = write_rows(tmp_path / "pages.jsonl.gz", [{"url": "u", "title": "T", "text": words}])
    out = tmp_path / "passages.jsonl"
    command("cfr", "chunk", "--pages", pages, "--out", out, "--window", 30, "--stride", 30)
    rows = read_rows(out)
    assert [(row["start"], row["end"], row["title"], row["pseudo"]) for row in rows] == [
        (0, 30, "T", False),
        (30, 60, "T", False),
    ]
    command("cfr", "chunk", "--pages", pages, "--out", out)  # its own file is made anew
    assert len(read_rows(out)) == 1


@pytest.mark.parametrize("mode", ["bm25", "dense", "rerank", "rrf"])
def test_an_index_is_searched_in_every_mode(tmp_path, passages, queries, model, mode):
    index, out = tmp_path / "index", tmp_path / "ranked.jsonl"
    command("cfr", "index", "--passages", passages, "--out", index, "--encoder", model)
    common = ["--queries", queries, "--out", out, "--k", 2]
    command("cfr", "search", "--index", index, "--mode", mode, "--no-cache", *common)
    found = ranked(out)
    assert list(found) == ["0:0", "0:1"] and all(len(pids) == 2 for pids in found.values())
    if mode == "bm25":
        assert found == {"0:0": ["p2", "p0"], "0:1": ["p1", "p0"]}


def test_an_index_without_an_encoder_is_for_bm25(tmp_path, passages, queries):
    index, out = tmp_path / "index", tmp_path / "ranked.jsonl"
    command("cfr", "index", "--passages", passages, "--out", index, "--encoder", "none")
    common = ["search", "--index", index, "--queries", queries, "--out", out]
    command("cfr", *common, "--mode", "bm25")
    assert len(ranked(out)["0:0"]) == 3
    fails("cfr", *common, "--mode", "dense", told=["made without an encoder"])


def test_claims_are_searched_as_their_questions(tmp_path, passages):
    claims = [{"claim_id": 3, "claim": "oil fell", "questions": [{"question": "prices"}]}]
    index, out = tmp_path / "index", tmp_path / "r.jsonl"
    command("cfr", "index", "--passages", passages, "--out", index, "--encoder", "none")
    file = write_rows(tmp_path / "claims.jsonl", claims)
    command("cfr", "search", "--index", index, "--queries", file, "--out", out, "--mode", "bm25")
    assert ranked(out)["3:0"][0] == "p2"


def test_candidates_are_reranked_and_queries_without_any_stay(tmp_path, model, capsys):
    rows = [
        {
            "qid": "0:0",
            "claim": "oil",
            "passages": [{"pid": str(n), "text": text} for n, text in enumerate(TEXTS)],
        },
        {"qid": "0:1", "claim": "tea", "passages": []},
    ]
    file, out = write_rows(tmp_path / "c.jsonl", rows), tmp_path / "ranked.jsonl.gz"
    common = ["rerank", "--model", model, "--candidates", file, "--out", out, "--no-cache"]
    command("cfr", *common, "--k", 2, "--json")
    found = ranked(out)
    assert len(found["0:0"]) == 2 and found["0:1"] == []
    assert json.loads(capsys.readouterr().out) == {"queries": 2, "without_candidates": 1}
    command("cfr", *common, "--score", "dot")
    assert len(ranked(out)["0:0"]) == 3
    fails("cfr", *common, "--k", 0, told=["k = 0"])


def test_candidates_of_a_knowledge_store(tmp_path, capsys):
    claims = [
        {"claim_id": 3, "claim": "oil fell", "questions": [{"question": "prices?"}]},
    ]
    write_rows(
        tmp_path / "store" / "3.json",
        [
            {"url": "u", "url2text": ["Oil prices", "rose."]},
            {"url": "https://www.snopes.com/x", "url2text": ["No."]},
        ],
    )
    out = tmp_path / "candidates.jsonl"
    file = write_rows(tmp_path / "claims.jsonl", claims)
    command("cfr", "candidates", "--claims", file, "--store", tmp_path / "store", "--out", out)
    (row,) = read_rows(out)
    assert row["qid"] == "3:0" and [p["text"] for p in row["passages"]] == ["Oil prices rose."]
    assert "left out: 1 fact check" in capsys.readouterr().out
    fails("cfr", "candidates", "--claims", file, "--out", out, told=["one of --store, --index"])


def test_data_sets_are_converted_with_their_labels(tmp_path):
    row = {
        "id": "5a",
        "question": "q",
        "answer": "a",
        "supporting_facts": {"title": ["B"], "sent_id": [0]},
        "context": {"title": ["A", "B"], "sentences": [["x"], ["y"]]},
    }
    file = write_rows(tmp_path / "hub.jsonl", [row])
    out, labels = tmp_path / "candidates.jsonl", tmp_path / "labels.jsonl"
    command("cfr", "convert", "hotpotqa", file, "--out", out, "--labels", labels)
    assert read_rows(out)[0]["relevant"] == ["5a#1"]
    assert [j["rel"] for j in read_rows(labels)[0]["judgements"]] == [0, 1]
    command("cfr", "rerank", "--candidates", out, "--out", tmp_path / "r.jsonl", "--k", 1)


def test_a_killed_build_goes_on_with_the_parts_that_are_missing(tmp_path, model, monkeypatch):
    import faiss
    from cfr.retrieval.dense_index import _Part

    faiss.omp_set_num_threads(1)  # threads are not copied into the process that is killed
    draw = np.random.default_rng(0)
    words = " ".join(TEXTS).split()
    rows = [{"pid": f"p{n}", "text": " ".join(draw.choice(words, 5))} for n in range(120)]
    file = write_rows(tmp_path / "passages.jsonl", rows)
    given = ["index", "--passages", file, "--encoder", model, "--kind", "ivf", "--dtype", "fp16"]
    given += ["--shards", 3]
    command("cfr", *given, "--out", tmp_path / "whole")
    kept, out = _Part.kept, tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setattr(_Part, "kept", lambda *given: (kept(*given), time.sleep(0.5))[0])
        first_part = out / "vectors" / "index-00000.faiss"
        kill_when("cfr", *given, "--out", out, when=first_part.exists)
    work = out / "vectors"
    assert not (work / "index-00002.faiss").exists() and not (out / "index.json").exists()
    first = (work / "index-00000.faiss").stat().st_mtime_ns
    command("cfr", *given, "--resume", "--out", out)
    assert (out / "index-00000.faiss").stat().st_mtime_ns == first
    for name in [*(f"index-0000{n}.faiss" for n in range(3)), "index.json", "ids.npy"]:
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert (out / "vectors.npy").read_bytes() == (tmp_path / "whole" / "vectors.npy").read_bytes()
    assert not work.exists()


@pytest.mark.parametrize("name", ["chunk", "index", "search", "rerank", "candidates", "bench"])
def test_help_loads_no_model_library(name):
    assert not {"torch", "transformers", "scipy", "faiss"} & imports_of_help("cfr", name)


def test_benchmarks_print_json(tmp_path, passages, capsys):
    command("cfr", "bench", "bm25", "--data", passages, "--out", tmp_path / "bench.json")
    printed = json.loads(capsys.readouterr().out)
    assert printed["texts"] == 3 and printed == json.loads((tmp_path / "bench.json").read_text())


@pytest.mark.acceptance
def test_averitecs_claims_are_asked_as_they_are(data, tmp_path, passages):
    index, out = tmp_path / "index", tmp_path / "r.jsonl"
    command("cfr", "index", "--passages", passages, "--out", index, "--encoder", "none")
    claims = data / CLAIMS
    command("cfr", "search", "--index", index, "--queries", claims, "--out", out, "--mode", "bm25")
    assert len(read_rows(out)) == 1013
