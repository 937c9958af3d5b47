import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesizrr.scoring.self_bleu import self_bleu
from tenpapers.errors import UserError


def scores(*texts, n=5):
    return self_bleu([text.split() for text in texts]).per_doc[:, n - 1].tolist()


def nltk_scores(documents, n):
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smoothing = SmoothingFunction().method1
    return [
        sentence_bleu(
            documents[:i] + documents[i + 1 :],
            document,
            weights=(1 / n,) * n,
            smoothing_function=smoothing,
        )
        for i, document in enumerate(documents)
    ]


def test_copies_score_what_their_length_allows():
    assert scores("a b c", "a b c", "a b c") == [0.39810717055349726] * 3
    assert scores("a b c d", "a b c d") == [0.6309573444801932] * 2
    assert scores("a b c d e", "a b c d e") == [1.0] * 2
    assert scores("a b", "c d") == [0.0, 0.0]


def test_three_sentences_by_hand():
    texts = ["the cat sat on the mat", "the cat sat on a mat", "a dog ran in the park today"]
    found = self_bleu([text.split() for text in texts])
    assert found.mean == pytest.approx(
        {
            1: 0.7063492063492064,
            2: 0.5169033354540887,
            3: 0.4483535296897452,
            4: 0.3796359187307237,
            5: 0.2395824683672387,
        },
        abs=1e-15,
    )
    assert found.per_doc[:, 4].tolist() == pytest.approx(
        [0.3341625309791344, 0.34657242157757323, 0.03801245254500842], abs=1e-15
    )
    assert scores(*texts[:2], "") == pytest.approx([0.3341625309791344] * 2 + [0], abs=1e-15)


def test_a_tie_in_length_goes_to_the_shorter_reference():
    found = scores("a a a a", "a a", "a a a a a a")
    wanted = [0.6309573444801932, 0.09240713767098728, 0.3195771718380609]
    assert found == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize("documents", [[], [["a"]]])
def test_one_document_is_an_error(documents):
    with pytest.raises(UserError, match="need at least 2 documents"):
        self_bleu(documents)


def test_equal_to_nltk_on_random_corpora():
    source = random.Random(7)
    for _ in range(200):
        documents = [
            [source.choice("abcd") for _ in range(source.randint(0, 9))]
            for _ in range(source.randint(2, 7))
        ]
        found = self_bleu(documents).per_doc
        for n in range(1, 6):
            assert found[:, n - 1] == pytest.approx(nltk_scores(documents, n), abs=1e-12)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from("ab"), max_size=8), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_documents_changes_nothing(documents, source):
    found = self_bleu(documents)
    places = list(range(len(documents)))
    source.shuffle(places)
    moved = self_bleu([documents[place] for place in places])
    assert np.array_equal(moved.per_doc, found.per_doc[places])
    assert moved.mean == pytest.approx(found.mean, abs=1e-15)


def test_copies_of_a_document_make_a_set_less_diverse():
    documents = [["red", "green", "blue", "now", "then"], ["one", "two", "three", "four", "five"]]
    assert self_bleu([*documents, documents[0]]).mean[5] > self_bleu(documents).mean[5]
