import numpy as np
import pytest
from cfr.records import Query, Ranked, Result
from cfr.retrieval.encoder import Encoder
from cfr.retrieval.index_folder import IndexSettings, build_index
from cfr.retrieval.search import Searcher, SearchSettings, fused
from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.testing import write_rows

from .conftest import make_checkpoint

TEXTS = {
    "a": "the vaccine was tested in mice",
    "b": "the vaccine contains no fetal tissue",
    "c": "trump praised the vaccine",
    "d": "oil prices rose",
    "e": "oil fell",
}
QUERIES = [
    Query(qid="7:0", claim="vaccine", question="fetal tissue"),
    Query(qid="8:0", claim="oil prices"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, checkpoint):
    out = tmp_path_factory.mktemp("index")
    rows = [
        {"pid": pid, "text": text, "claim_id": 7 if pid in "abd" else 8}
        for pid, text in TEXTS.items()
    ]
    file = write_rows(out / "passages.jsonl", rows)
    with Journal(out / "index", key={}) as journal:
        assert build_index(file, IndexSettings(encoder=str(checkpoint)), journal) == 5
    return out / "index"


def pids(ranked):
    return [[result.pid for result in row.results] for row in ranked]


def by_hand(encoder, query, names="abcde"):
    vectors = encoder.encode([TEXTS[name] for name in names])
    scores = vectors @ encoder.encode_queries([query])[0]
    return [names[row] for row in np.argsort(-scores, kind="stable")]


def test_bm25_ranks_all_and_keeps_k(folder):
    searcher = Searcher(folder, SearchSettings(mode="bm25", k=3))
    assert pids(searcher.search(QUERIES)) == [["b", "c", "a"], ["d", "e", "a"]]
    assert pids(searcher.search(QUERIES, 1)) == [["b"], ["d"]]


def test_dense_is_the_order_of_cosines(folder, encoder):
    found = Searcher(folder, SearchSettings(mode="dense")).search(QUERIES)
    assert pids(found) == [by_hand(encoder, query) for query in QUERIES]


def test_rerank_orders_what_bm25_hands_on(folder, encoder):
    settings = SearchSettings(mode="rerank", first_stage_k=3, k=2, cache=False)
    found = Searcher(folder, settings).search(QUERIES)
    assert pids(found) == [
        by_hand(encoder, query, names)[:2]
        for query, names in zip(QUERIES, ("bca", "dea"), strict=True)
    ]


def test_candidates_have_their_passages_in_order(folder):
    searcher = Searcher(folder, SearchSettings(mode="bm25", k=2))
    first, _ = searcher.candidates(QUERIES)
    assert (first.qid, first.question) == ("7:0", "fetal tissue")
    assert [passage.text for passage in first.passages] == [TEXTS["b"], TEXTS["c"]]


@pytest.mark.parametrize("mode", ["bm25", "dense", "rerank"])
def test_search_within_a_claims_own_passages(folder, mode, encoder):
    settings = SearchSettings(mode=mode, within="claim_id", cache=False)
    found = pids(Searcher(folder, settings).search(QUERIES))
    assert [sorted(row) for row in found] == [["a", "b", "d"], ["c", "e"]]
    if mode != "bm25":
        assert found[0] == by_hand(encoder, QUERIES[0], "abd")


def test_within_a_field_that_is_not_there(folder):
    with pytest.raises(UserError, match="passage a: missing field 'store'"):
        Searcher(folder, SearchSettings(mode="bm25", within="store")).search(QUERIES)


def test_ranks_are_fused():
    def ranking(*names):
        rows = [Result(pid=name, score=9 - n, rank=n) for n, name in enumerate(names, 1)]
        return Ranked(qid="0", results=rows)

    found = fused([ranking("a", "b", "c"), ranking("c", "d")], "abcd".index, 3)
    assert [(r.pid, r.rank) for r in found.results] == [("c", 1), ("a", 2), ("b", 3)]
    assert found.results[0].score == pytest.approx(1 / 63 + 1 / 61)
    assert found.results[2].score == pytest.approx(1 / 62)  # d has the same, and stands later


def test_fused_search(folder, encoder):
    found = Searcher(folder, SearchSettings(mode="rrf", k=5)).search(QUERIES)
    lexical = [["b", "c", "a", "d", "e"], ["d", "e", "a", "b", "c"]]
    for query, first, row in zip(QUERIES, lexical, found, strict=True):
        second = by_hand(encoder, query)
        scores = {p: 1 / (61 + first.index(p)) + 1 / (61 + second.index(p)) for p in "abcde"}
        assert [r.pid for r in row.results] == sorted("abcde", key=lambda p: -scores[p])


def test_vectors_of_another_encoder_are_refused_and_its_reranking_is_not(folder, tmp_path):
    other = make_checkpoint(tmp_path / "other", seed=5)
    with pytest.raises(UserError, match="made with another encoder"):
        Searcher(folder, SearchSettings(mode="dense", model=str(other)))
    assert Searcher(folder, SearchSettings(mode="dense", model=str(other), force=True))
    settings = SearchSettings(mode="rerank", model=str(other), cache=False)
    found = Searcher(folder, settings).search(QUERIES[:1])
    assert pids(found) == [by_hand(Encoder.load(str(other)), QUERIES[0])]


def test_more_than_there_are_is_all_of_them(folder, caplog):
    found = Searcher(folder, SearchSettings(mode="bm25", k=9)).search(QUERIES)
    assert [len(row.results) for row in found] == [5, 5]
    assert "k = 9, the index has 5 passages" in caplog.text


def test_a_folder_without_an_index(tmp_path):
    with pytest.raises(UserError, match="no index in it; make one"):
        Searcher(tmp_path)
