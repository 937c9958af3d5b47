from dataclasses import replace

from synthesizrr.inputs.documents import read_documents
from synthesizrr.records import Document, Example, read_rows
from synthesizrr.sourcing.leaks import near_duplicates
from synthesizrr.sourcing.retrieve import embed_corpus
from synthesizrr.sourcing.retrievers import RetrieveSettings, retrieve_by
from tenpapers.embedding import DenseIndex, Encoder

from ..conftest import fails, write_rows


def test_the_other_retrievers(tmp_path, news):
    docs = news / "docs.jsonl"
    seeds = read_rows(news / "train.jsonl", Example)[:3]
    bm25, _ = retrieve_by(seeds, docs, RetrieveSettings(retriever="bm25", top_k=4))
    assert [len(row.results) for row in bm25] == [4] * 3 and bm25[0].results[0].metric == "bm25"
    drawn, _ = retrieve_by(seeds, docs, RetrieveSettings(retriever="random", top_k=4))
    names = [one.doc_id for row in drawn for one in row.results]
    assert len(set(names)) == len(names) == 12 and drawn[0].results[0].score == 0
    seeds_file, out = news / "train.jsonl", tmp_path / "retrieved.jsonl"
    fails("retrieve", seeds_file, docs, "--retriever", "tfidf", "--out", out, told=["tfidf"])


def test_bm25_results_may_be_rescored_with_cosines(news, tiny_encoder):
    seeds = read_rows(news / "train.jsonl", Example)[:2]
    settings = RetrieveSettings(retriever="bm25", top_k=3)
    plain, _ = retrieve_by(seeds, news / "docs.jsonl", settings)
    scored, _ = retrieve_by(
        seeds, news / "docs.jsonl", replace(settings, rescore=str(tiny_encoder))
    )
    for a, b in zip(plain, scored, strict=True):
        assert [one.doc_id for one in a.results] == [one.doc_id for one in b.results]
        assert all(one.metric == "cosine" and -1 <= one.score <= 1.0001 for one in b.results)


def test_documents_that_leak_the_test_set_are_left_out(tmp_path, tiny_encoder, news):
    leak = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    documents = [
        Document(id="a", text=f"Before. {leak} after"),
        Document(id="b", text="other"),
        Document(id="c", text="Some test row."),
    ]
    assert near_duplicates(documents, [leak.upper()]) == {"a": "13-gram"}
    assert near_duplicates(documents, ["Some test row here."], str(tiny_encoder)) == {"c": "cosine"}
    seeds = read_rows(news / "train.jsonl", Example)[:2]
    settings = RetrieveSettings(retriever="bm25", top_k=3)
    whole, none = retrieve_by(seeds, news / "docs.jsonl", settings)
    victim = next(
        one for one in read_documents(news / "docs.jsonl") if one.id == whole[0].results[0].doc_id
    )
    test = write_rows(tmp_path / "test.jsonl", [{"text": victim.text}])
    cut, leaks = retrieve_by(seeds, news / "docs.jsonl", replace(settings, exclude=test))
    assert none == {} and sum(leaks.values()) >= 1
    assert victim.id not in [one.doc_id for row in cut for one in row.results]
    assert [one.rank for one in cut[0].results] == [1, 2, 3]


def test_short_test_texts_leak_when_a_document_has_them_word_for_word():
    documents = [
        Document(id="a", text="Shares rose on Monday, the firm said."),
        Document(id="b", text="News: shares rose on monday the firm said; more follows."),
        Document(id="c", text="Yes, it did."),
        Document(id="d", text="Yes!"),
    ]
    test = ["Shares rose on Monday the firm said", "Yes"]
    assert near_duplicates(documents, test) == dict.fromkeys("abd", "verbatim")


def test_vectors_on_disk_are_not_made_again(tmp_path, tiny_encoder, news, monkeypatch):
    shards = embed_corpus(news / "docs.jsonl", tmp_path / "emb", str(tiny_encoder))
    documents = list(read_documents(news / "docs.jsonl"))
    asked = []
    encode = Encoder.encode
    monkeypatch.setattr(
        Encoder,
        "encode",
        lambda self, texts, **more: asked.extend(texts) or encode(self, texts, **more),
    )
    found = near_duplicates(documents, [f"{documents[0].text} indeed"], shards, n=100)
    assert found[documents[0].id] == "cosine" and len(asked) == 1


def test_bm25_leaves_out_what_shares_no_word(tmp_path):
    docs = write_rows(tmp_path / "d.jsonl", [{"id": n, "text": f"word{n} other"} for n in range(5)])
    seed = Example(id="s", text="word3 unheard", label="x", customer=7)
    (row,), _ = retrieve_by([seed], docs, RetrieveSettings(retriever="bm25", top_k=4))
    assert [result.doc_id for result in row.results] == ["3"] and row.unknown == {"customer": 7}


def test_an_index_is_built_once_beside_the_vectors(tmp_path, tiny_encoder, news, monkeypatch):
    embed_corpus(news / "docs.jsonl", tmp_path / "emb", str(tiny_encoder), dtype="float32")
    seeds = read_rows(news / "train.jsonl", Example)[:2]
    exact, _ = retrieve_by(seeds, tmp_path / "emb", RetrieveSettings(top_k=5))
    flat = RetrieveSettings(top_k=5, index="flat")
    for _ in range(2):
        found, _ = retrieve_by(seeds, tmp_path / "emb", flat)
        assert [[r.doc_id for r in row.results] for row in found] == [
            [r.doc_id for r in row.results] for row in exact
        ]
        monkeypatch.setattr(DenseIndex, "build", None)
