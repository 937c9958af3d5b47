import json

import numpy as np
import pytest
import torch
from cfr.records import Passage, Query
from cfr.retrieval.encoder import Encoder, EncoderConfig
from cfr.training.checkpoint import save_checkpoint

TEXTS = ["the vaccine was tested in mice", "oil prices rose", "trump praised the vaccine a b c"]


def loaded_by_others(folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


@pytest.mark.parametrize("score", ["cosine", "dot"])
def test_sentence_transformers_gives_the_same_vectors(encoder, tmp_path, score):
    encoder.config = EncoderConfig(score=score, query_format="space", document_length=30)
    encoder.normalize = score == "cosine"
    save_checkpoint(encoder, tmp_path / "ckpt")
    theirs = loaded_by_others(tmp_path / "ckpt").encode(TEXTS)
    assert abs(theirs - encoder.encode(TEXTS, 30)).max() < 1e-5


def test_matrices_of_two_sides_become_routes(encoder, tmp_path):
    noise = torch.Generator().manual_seed(0)
    encoder.heads = {
        side: torch.eye(32) + 0.1 * torch.randn(32, 32, generator=noise)
        for side in ("query", "document")
    }
    save_checkpoint(encoder, tmp_path / "ckpt")
    ours = Encoder.for_search(str(tmp_path / "ckpt"))
    peer = loaded_by_others(tmp_path / "ckpt")
    for side, encode in (("query", peer.encode_query), ("document", peer.encode_document)):
        wanted = encoder.encode(TEXTS, side=side)
        assert abs(ours.encode(TEXTS, side=side) - wanted).max() < 1e-5
        assert abs(encode(TEXTS) - wanted).max() < 1e-5
    assert abs(encoder.encode(TEXTS, side="query") - encoder.encode(TEXTS)).max() > 1e-3


def test_a_search_uses_what_training_used(encoder, tmp_path):
    encoder.config = EncoderConfig(
        score="dot", query_format="question-first", query_length=24, normalize_text=True
    )
    encoder.normalize = False
    save_checkpoint(encoder, tmp_path / "ckpt")
    kept = json.loads((tmp_path / "ckpt" / "cfr_config.json").read_text())
    assert kept == {
        "score": "dot",
        "pooling": "mean",
        "query_format": "question-first",
        "query_length": 24,
        "document_length": 256,
        "normalize_text": True,
    }
    found = Encoder.for_search(str(tmp_path / "ckpt"))
    assert found.config == encoder.config
    queries = [Query(qid="1", claim="oil prices rose", question="was the “vaccine”  tested")]
    passages = [Passage(pid="p", title="mice", text="in mice")]
    for ours, again in (
        (encoder.encode_queries(queries), found.encode_queries(queries)),
        (encoder.encode_passages(passages), found.encode_passages(passages)),
    ):
        assert abs(ours - again).max() < 1e-6
    assert np.linalg.norm(found.encode_passages(passages)) != pytest.approx(1, abs=1e-3)
