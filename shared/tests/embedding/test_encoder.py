import numpy as np
import pytest
import torch
from tenpapers.embedding import Encoder
from tenpapers.embedding.encoder import BATCH_TOKENS
from tenpapers.errors import UserError

TEXTS = [
    "A cat sat on the mat.",
    "The stock market fell sharply today.",
    "Kittens sleep a lot.",
    "Shares lost value on Monday.",
    "",
    "x" * 3000,
]


def test_vectors_are_the_mean_of_the_hidden_states_whatever_the_batch(encoder, monkeypatch):
    together = encoder.encode(TEXTS)
    monkeypatch.setitem(BATCH_TOKENS, "cpu", 1)
    assert np.allclose(encoder.encode(TEXTS), together, atol=1e-5)
    assert together.shape == (6, 384) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    batch = encoder.tokenizer([TEXTS[0]], return_tensors="pt")
    with torch.inference_mode():
        mean = encoder.model(**batch).last_hidden_state[0].mean(0).numpy()
    assert np.allclose(together[0], mean / np.linalg.norm(mean), atol=1e-5)
    cosine = together @ together.T
    assert cosine[0, 2] > cosine[0, 1] and cosine[1, 3] > cosine[1, 0]
    assert encoder.encode([]).shape == (0, 384)


def test_an_encoder_that_is_not_there_is_told():
    with pytest.raises(UserError, match="encoder /no/such: cannot be loaded"):
        Encoder.load("/no/such")
