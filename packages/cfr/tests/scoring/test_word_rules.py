import re

import pytest
from cfr.scoring import word_rules
from cfr.scoring.word_rules import word_tokenizer
from hypothesis import given
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer

THEIRS = NLTKWordTokenizer().tokenize
OURS = word_tokenizer()
# Whatever a rule looks for, beside words and blanks.
PAIRS = ["``", "''", "..", "--", "n't", "'ll", "'s ", "\x1c", "\x1f", "\xa0"]
SIGNS = [*"«“‘„`\"'.,:;@#$%&‒–—―?!*[](){}<>»”’-\n\t 7aſ", *PAIRS]
WORDS = [
    "cannot",
    "Gonna",
    "gİmme",
    "gımme",
    "'tis",
    "'Twas",
    "d'ye",
    "more'n",
    "gimme",
    "lemme",
    "wanna",
    "gotta",
]
TEXTS = st.lists(st.sampled_from([*SIGNS, *WORDS, "word", "U.S.", "3,36", "it"]), max_size=14)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words alone",
        'He said "no" (twice), didn\'t he? It cost $3.88...',
        "I cannot -- 'tis late -- gonna go; “well” they’ll see: 3,36 or 7:30.",
        "''quoted'' and ``quoted'' [a] {b} <c> *d* e@f 50% A&B",
    ],
)
def test_words_are_those_of_nltk(text):
    assert OURS(text) == THEIRS(text)


@given(TEXTS)
def test_whatever_signs_stand_together(parts):
    for text in ("".join(parts), " ".join(parts)):
        assert OURS(text) == THEIRS(text)


def test_rules_that_we_do_not_know_are_applied_as_they_are(monkeypatch):
    more = [*NLTKWordTokenizer.PUNCTUATION, (re.compile("[+]"), r" \g<0> ")]
    monkeypatch.setattr(NLTKWordTokenizer, "PUNCTUATION", more)
    shorter = [*NLTKWordTokenizer.CONTRACTIONS2, re.compile(r"\b(in)(to)\b")]
    monkeypatch.setattr(NLTKWordTokenizer, "CONTRACTIONS2", shorter)
    text = "1+1 dogs, into cars."
    words = ["1", "+", "1", "dogs", ",", "in", "to", "cars", "."]
    assert word_tokenizer()(text) == THEIRS(text) == words


def test_every_rule_of_nltks_is_known():
    theirs = NLTKWordTokenizer()
    pairs = [*theirs.STARTING_QUOTES, *theirs.PUNCTUATION, *theirs.ENDING_QUOTES]
    pairs += [theirs.PARENS_BRACKETS, theirs.DOUBLE_DASHES]
    known = {*word_rules.PADDED, word_rules.BLANKS}
    assert all((p.pattern, n) in known or p.pattern in word_rules.SIGNS for p, n in pairs)
    contractions = [*theirs.CONTRACTIONS2, *theirs.CONTRACTIONS3]
    assert {one.pattern for one in contractions} == set(word_rules.CONTRACTIONS)


@pytest.mark.acceptance
def test_words_of_real_texts_are_those_of_nltk(data):
    import gzip
    import json

    file = data / "averitec_dev_web_evidence_0_399.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [passage["sentence"] for row in rows[:60] for passage in row["passages"]]
    assert [OURS(text) for text in texts] == [THEIRS(text) for text in texts]
