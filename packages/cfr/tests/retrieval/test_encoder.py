import json

import numpy as np
import pytest
import torch
from cfr import Encoder
from cfr.records import Passage, Query
from cfr.retrieval.encoder import (
    CONFIG,
    HEADS,
    batches,
    identity_of,
    mean_pooled,
    normalized,
    padded,
    path_of,
)
from safetensors.torch import save_file
from tenpapers.errors import UserError

from .conftest import make_checkpoint

TEXTS = [
    "the vaccine was tested in mice",
    "oil prices rose",
    "a",
    "",
    "trump praised the vaccine the vaccine the vaccine contains no fetal tissue",
]


def test_mean_pooling_leaves_padding_out():
    states = torch.tensor([[[1.0, 4.0], [3.0, 0.5], [100.0, 100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert mean_pooled(states, mask).tolist() == [[2.0, 2.25]]


def test_fifty_pad_tokens_change_nothing(encoder):
    (ids,) = encoder.tokens(["the vaccine was tested"], 64)
    short, short_mask = padded([ids], encoder.tokenizer)
    filled = torch.zeros(1, 50, dtype=torch.long)
    with torch.inference_mode():
        alone = encoder.vectors(short, short_mask)
        wide = encoder.vectors(torch.cat([short, filled], 1), torch.cat([short_mask, filled], 1))
    assert (alone - wide).abs().max() < 1e-6


def test_order_and_batches_change_nothing(encoder):
    each = np.concatenate([encoder.encode([text]) for text in TEXTS])
    together = encoder.encode(TEXTS)
    small = encoder.encode(TEXTS, token_budget=12)
    turned = encoder.encode(TEXTS[::-1])[::-1]
    for other in (together, small, turned):
        assert np.abs(each - other).max() < 1e-5
    assert together.dtype == np.float32 and np.allclose(np.linalg.norm(together, axis=1), 1)


def test_batches_are_of_like_length_and_stay_in_the_budget():
    found = [rows.tolist() for rows in batches([3, 9, 4, 2, 30, 4], 12)]
    assert found == [[4], [1], [2, 5, 0], [3]]


def test_a_text_is_cut_from_the_right(encoder):
    assert len(encoder.tokens(["the vaccine was tested in mice"], 5)[0]) == 5
    assert np.array_equal(
        encoder.encode(["oil prices rose fell"], max_length=4), encoder.encode(["oil prices"])
    )


def test_no_text_gives_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, 32)


def test_passages_are_read_with_their_titles(encoder):
    passage = Passage(pid="p", title="oil", text="prices rose")
    assert np.array_equal(encoder.encode_passages([passage]), encoder.encode(["oil prices rose"]))


def test_a_query_is_claim_separator_subquestion(encoder):
    query = Query(qid="1:0", claim="oil prices rose", question="prices fell")
    wanted = encoder.tokens(["oil prices rose [SEP] prices fell"], 64)
    assert np.array_equal(
        encoder.encode_queries([query]), encoder.encode(["oil prices rose [SEP] prices fell"])
    )
    assert wanted[0].count(encoder.tokenizer.sep_token_id) == 2


def test_a_checkpoint_says_how_it_is_used(checkpoint, tmp_path):
    folder = make_checkpoint(tmp_path / "model")
    config = {"score": "dot", "query_format": "question-first", "temperature": 0.05}
    (folder / CONFIG).write_text(json.dumps(config))
    used = Encoder.for_search(str(folder))
    assert (used.config.score, used.config.query_format) == ("dot", "question-first")
    lengths = np.linalg.norm(used.encode(TEXTS), axis=1)
    assert not np.allclose(lengths, 1)
    given = Encoder.for_search(str(folder), score="cosine", query_format="space")
    assert given.normalize and given.config.query_format == "space"
    assert Encoder.for_search(str(checkpoint)).config.score == "cosine"


def test_matrices_of_a_checkpoint_are_applied_by_side(encoder, checkpoint, tmp_path):
    folder = make_checkpoint(tmp_path / "model")
    draw = torch.Generator().manual_seed(1)
    heads = {side: torch.randn(8, 32, generator=draw) for side in ("query", "document")}
    save_file(heads, folder / HEADS)
    tuned = Encoder.load(str(folder))
    plain = encoder.encode(TEXTS)
    for side in ("query", "document"):
        wanted = plain @ heads[side].numpy().T
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        assert np.abs(tuned.encode(TEXTS, side=side) - wanted).max() < 1e-5
    assert tuned.dim == 8
    assert identity_of(str(folder)) != identity_of(str(checkpoint))


def test_the_first_token_where_a_folder_pools_so(encoder, checkpoint):
    first = Encoder.load(str(checkpoint), pooling="cls", normalize=False)
    ids, mask = padded(first.tokens(TEXTS[:1], 64), first.tokenizer)
    with torch.inference_mode():
        wanted = first.model(input_ids=ids, attention_mask=mask).last_hidden_state[0, 0].numpy()
    assert np.abs(first.encode(TEXTS[:1])[0] - wanted).max() < 1e-6


def test_an_encoder_that_is_not_there_is_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot be loaded: .*; without network, pass minilm"):
        Encoder.load(str(tmp_path / "none"))


def test_text_in_one_form():
    assert normalized("“Ａ”  it’s\n a–b") == '"A" it\'s a-b'


def test_minilm_gives_the_vectors_of_sentence_transformers(minilm):
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(path_of("minilm"), device="cpu")
    texts = ["Sean Connery refused to appear in an Apple commercial.", "oil " * 300]
    assert np.abs(minilm.encode(texts) - peer.encode(texts)).max() < 1e-5
