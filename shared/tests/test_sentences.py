import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenpapers import sentences
from tenpapers.sentences import EmptyDocumentError, Span, sentence_split, split_document

TEXT = "Ann ran home. Bob sat down.\nCara sang today."


@pytest.fixture
def by_rule(monkeypatch):
    """Sentences as they are cut where NLTK's data are not."""
    monkeypatch.setattr(sentences, "_punkt", lambda: None)


def test_sentences_know_where_they_stand():
    assert sentence_split("  Ann ran.  Bob sat.\n") == [
        Span(2, 10, "Ann ran."),
        Span(12, 20, "Bob sat."),
    ]
    assert sentence_split(" \n ") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Dr. Li of the U.S. Army paid $3.5 million. It hurt.", 2),
        ('He said "Stop!" Then he left (at 5 p.m.). why not.', 2),
        ("See Fig. 3 and No. 5. The end?! Yes", 3),
        ("Prices rose, e.g. Tea. 5. Milk", 3),
        ("It costs 3... or 4.", 1),
    ],
)
def test_where_the_rule_ends_a_sentence(by_rule, text, wanted):
    assert len(sentence_split(text)) == wanted
    assert sentences.splitter() == "rule"


@given(st.text(alphabet="aB.!? \n\"'5", max_size=60))
def test_a_sentence_is_its_piece_of_the_text_and_no_word_is_lost(text):
    found = sentence_split(text)
    assert all(text[span.start : span.end] == span.text for span in found)
    assert "".join("".join(span.text.split()) for span in found) == "".join(text.split())


@pytest.mark.parametrize(
    ("words", "chunks"),
    [
        (5, ["Ann ran home.", "Bob sat down.", "Cara sang today."]),
        (6, ["Ann ran home. Bob sat down.", "Cara sang today."]),
        (9, [TEXT]),
    ],
)
def test_chunks_are_filled_with_whole_sentences(words, chunks):
    assert split_document(TEXT, words) == chunks


def test_a_long_sentence_is_a_chunk_by_itself_uncut():
    long = " ".join(["word"] * 501)
    assert split_document(long, 500) == [long]
    assert split_document(f"Ann ran. W{long}", 500) == ["Ann ran.", f"W{long}"]


def test_a_chunk_is_measured_as_one_says():
    assert split_document("Ann ran. Bob sat.", 8, size=len) == ["Ann ran.", "Bob sat."]


@pytest.mark.parametrize("text", ["", " \n "])
def test_an_empty_document_is_told(text):
    with pytest.raises(EmptyDocumentError, match="the document is empty"):
        split_document(text, 5)
