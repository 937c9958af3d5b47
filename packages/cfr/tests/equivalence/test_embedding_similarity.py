import numpy as np
import pytest
from cfr.equivalence.embedding_similarity import EmbeddingSimilarity


class Angles:
    """Encodes a text as the direction that its last word says, in degrees."""

    identity = "angles"

    def __init__(self):
        self.texts = []

    def encode(self, texts):
        self.texts += texts
        radians = np.radians([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_the_cosine_is_cut_to_zero_and_texts_are_encoded_once():
    encoder = Angles()
    found = EmbeddingSimilarity(encoder).score(["q", "q", "q"], ["0", "0", "0"], ["60", "120", "0"])
    assert found.tolist() == pytest.approx([0.5, 0, 1], abs=1e-6)
    assert sorted(encoder.texts) == ["q 0", "q 120", "q 60"]
    assert EmbeddingSimilarity(encoder).score([], [], []).shape == (0,)


def test_minilm_puts_a_paraphrase_before_another_answer():
    similarity = EmbeddingSimilarity.load()
    question = "When did the war end?"
    close, far = similarity.score(
        [question] * 2, ["In 1945."] * 2, ["It was over in 1945.", "In a small town in Texas."]
    )
    assert far < close < 1
