import numpy as np
import pytest
from synthesizrr.inputs.documents import corpus_digest, read_documents
from synthesizrr.records import Example, read_rows
from synthesizrr.sourcing.retrieve import embed, embed_corpus, retrieve_dense
from tenpapers.embedding import EmbeddingShards
from tenpapers.errors import UserError

from ..conftest import write_rows


def test_dense_retrieval_is_exact_and_knows_its_corpus(tmp_path, tiny_encoder, news):
    docs = news / "docs.jsonl"
    shards = embed_corpus(docs, tmp_path / "emb", str(tiny_encoder), dtype="float32", shard_size=7)
    seeds = read_rows(news / "train.jsonl", Example)[:3]
    rows = retrieve_dense(seeds, shards, docs, 5)
    documents = list(read_documents(docs))
    vectors = embed([one.text for one in documents], str(tiny_encoder))
    scores = embed([seed.text for seed in seeds], str(tiny_encoder)) @ vectors.T
    for row, mine in zip(rows, scores, strict=True):
        best = np.argsort(-mine, kind="stable")[:5]
        assert [one.rank for one in row.results] == [1, 2, 3, 4, 5]
        assert [one.score for one in row.results] == pytest.approx(mine[best].tolist(), abs=1e-5)
        texts = {one.id: one.text for one in documents}
        assert all(one.text == texts[one.doc_id] for one in row.results)
    other = write_rows(tmp_path / "other.jsonl", [{"id": "z", "text": "other"}])
    with pytest.raises(UserError, match="its hash differs"):
        retrieve_dense(seeds, shards, other, 5)
    assert corpus_digest(docs) == EmbeddingShards(tmp_path / "emb").meta["corpus_sha256"]


def test_an_embedding_of_another_width_is_an_error():
    import numpy as np
    from tenpapers.embedding import search

    with pytest.raises(UserError, match="queries have 3 dimensions"):
        search(np.zeros((1, 3)), [(["a"], np.zeros((1, 2)))], 1)
