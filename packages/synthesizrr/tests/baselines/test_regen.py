from synthesizrr.baselines.regen import regen
from synthesizrr.sourcing.retrieve import embed_corpus

from ..conftest import AG


def test_regen_takes_documents_near_the_labels_words(tmp_path, news):
    shards = embed_corpus(news / "docs.jsonl", tmp_path / "emb", "minilm")
    rows = regen(AG, shards, news / "docs.jsonl", top=5, rounds=2)
    assert rows and len({row.doc_id for row in rows}) == len(rows)
    right = [row.label in row.doc_id for row in rows]
    assert sum(right) / len(right) > 0.5
