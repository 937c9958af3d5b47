import numpy as np
import pytest
from overton import bertscore_pairs, bertscore_within
from overton.embedding.bertscore import TokenEncoder, Tokens, matched
from tenpapers.errors import UserError


@pytest.fixture(scope="module")
def encoder():
    return TokenEncoder.load("minilm")


def test_special_tokens_can_be_matched_but_do_not_count():
    def tokens(*vectors):
        counts = [False, *[True] * (len(vectors) - 2), False]
        return Tokens(np.array(vectors, dtype=np.float32), np.array(counts))

    candidate = tokens([1, 0], [0, 1], [0.6, 0.8], [1, 0])
    reference = tokens([0, 1], [0.8, 0.6], [1, 0])
    # candidate: (0, 1) best with the special (0, 1), 1.0; (0.6, 0.8) with (0.8, 0.6), 0.96
    # reference: (0.8, 0.6) best with (0.6, 0.8), 0.96
    assert matched(candidate, reference) == pytest.approx((0.98, 0.96, 2 * 0.98 * 0.96 / 1.94))


def test_identical_texts_score_1_and_empty_ones_0(encoder):
    scores = bertscore_pairs(["A red car.", "", "a"], ["A red car.", "a", ""], encoder)
    assert scores == pytest.approx(np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0]]), abs=1e-6)


def test_a_pair_scores_the_same_whatever_is_beside_it(encoder):
    pair = ("red car", "a blue bus drives")
    alone = bertscore_pairs([pair[0]], [pair[1]], encoder)
    others = [f"{'long ' * n} text" for n in (1, 30, 90)]
    beside = bertscore_pairs([*others, pair[0]], [pair[1]] * 4, encoder)
    assert beside[3] == pytest.approx(alone[0], abs=2e-6)


def test_a_text_in_many_pairs_is_encoded_once(encoder, monkeypatch):
    seen = []
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda texts: seen.extend(texts) or encode(texts))
    bertscore_pairs(["a b", "c", "a b", "d"], ["r", "r", "s", "s"], encoder)
    assert sorted(seen) == ["a b", "c", "d", "r", "s"]


def test_long_texts_are_cut_and_known_as_cut(encoder):
    assert encoder.is_cut(["short", "word " * 600]) == [False, True]
    (tokens,) = encoder.encode(["word " * 600])
    assert len(tokens.vectors) == encoder.max_tokens
    assert tokens.counts.tolist() == [False, *[True] * (encoder.max_tokens - 2), False]


def test_all_pairs_of_a_group(encoder):
    (matrix,) = bertscore_within([["red car", "blue car", ""]], encoder)
    pair = bertscore_pairs(["red car"], ["blue car"], encoder)[0, 2]
    wanted = [[1, pair, 0], [pair, 1, 0], [0, 0, 0]]
    assert matrix == pytest.approx(np.array(wanted), abs=1e-6)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="layer 7 of 6"):
        TokenEncoder.load("minilm", 7)
