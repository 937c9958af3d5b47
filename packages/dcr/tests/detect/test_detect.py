import logging

import numpy as np
import pytest
from dcr.detect.detect import detect
from dcr.detect.detector import Detector, DetectorOutput
from dcr.detect.words import EmptyDocumentError, is_short
from dcr.records import EmptyResponseError, Instance

TEA = "Tea is hot.  Milk is red.\n5. It rains now."


class Scripted:
    """Probabilities by claim, and how often it was asked."""

    identity = "scripted"

    def __init__(self, probs, errors=()):
        self.probs, self.errors, self.asked = probs, dict(errors), []

    def score(self, pairs, *, batch_tokens=0):
        self.asked.append(list(pairs))
        claims = [claim for _, claim in pairs]
        errors = {n: self.errors[claim] for n, claim in enumerate(claims) if claim in self.errors}
        chunks = [np.array([self.probs.get(claim, 0.9)], dtype=np.float32) for claim in claims]
        return DetectorOutput.of_chunks(chunks, errors)

    def close(self):
        self.closed = True


def rows(responses, probs=None, errors=(), **settings):
    scorer = Scripted(probs or {}, errors)
    instances = [
        Instance(id=str(n), document="Tea.", response=text) for n, text in enumerate(responses)
    ]
    return list(detect(instances, Detector(scorer, "mine", **settings))), scorer


def test_sentences_with_their_places_and_labels():
    (row,), _ = rows([TEA], {"Tea is hot.": 0.7, "Milk is red.": 0.4})
    assert row.sentences == ["Tea is hot.", "Milk is red.", "5.", "It rains now."]
    assert [TEA[start:end] for start, end in row.offsets] == list(row.sentences)
    assert row.support_prob == pytest.approx([0.7, 0.4, 0.9, 0.9])
    assert (row.labels, row.response_ok, row.detector) == ([1, 0, 1, 1], False, "mine")


def test_exactly_the_threshold_is_no_support():
    (row,), _ = rows(["Tea is hot. Milk is red."], {"Tea is hot.": 0.5, "Milk is red.": 0.501})
    assert row.labels == [0, 1]
    (row,), _ = rows(["Tea is hot."], {"Tea is hot.": 0.5}, threshold=0.4)
    assert (row.labels, row.response_ok) == ([1], True)


def test_the_mark_of_a_list_is_never_flagged():
    (row,), _ = rows(["5. It rains now."], {"5.": 0.01})
    assert (row.sentences[0], row.labels[0]) == ("5.", 1)
    assert row.support_prob[0] == pytest.approx(0.01)
    (row,), _ = rows(["5. It rains now."], {"5.": 0.01}, min_words=0)
    assert row.labels[0] == 0


@pytest.mark.parametrize(("sentence", "short"), [("5.", True), ("Yes!", True), ("He ran.", False)])
def test_words_are_counted_as_nltk_cuts_them(sentence, short):
    assert is_short(sentence, 3) == short


def test_many_responses_are_scored_at_once_each_sentence_alone():
    found, scorer = rows(["Tea is hot. Milk is red.", "It rains now."])
    assert scorer.asked == [
        [("Tea.", "Tea is hot."), ("Tea.", "Milk is red."), ("Tea.", "It rains now.")]
    ]
    assert [len(row.sentences) for row in found] == [2, 1]


def test_a_detector_without_an_answer_gives_no_label():
    found, _ = rows(["Tea is hot. Milk is red.", "It rains now."], errors={"Milk is red.": "busy"})
    assert (found[0].error, found[0].labels, found[0].support_prob) == ("busy", [], [])
    assert not found[0].response_ok
    assert (found[1].error, found[1].labels) == ("", [1])


def test_fields_of_the_users_own_stay():
    scorer = Scripted({})
    instance = Instance.model_validate(
        {"id": 7, "document": "Tea.", "response": "Tea is hot.", "house": "blue", "labels": "old"}
    )
    (row,) = detect([instance], Detector(scorer, "mine"))
    assert (row.id, row.model_extra["house"], row.labels) == ("7", "blue", [1])


def test_a_blank_response_is_in_order_and_an_empty_one_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        (row,), scorer = rows([" \n"])
    assert (row.response_ok, row.sentences, scorer.asked) == (True, [], [[]])
    assert "has no sentence" in caplog.text
    with pytest.raises(EmptyResponseError, match="0: the response is empty"):
        rows([""])


def test_an_empty_document_is_told_with_its_row_and_one_of_marks_supports_nothing():
    from dcr import open_detector

    with open_detector("lexical") as detector:
        with pytest.raises(EmptyDocumentError, match="a: the document is empty"):
            list(detect([Instance(id="a", document=" ", response="Tea is hot.")], detector))
        with pytest.raises(EmptyDocumentError):
            detector.score([("", "Tea is hot.")])
        assert detector.score([("?!", "Tea is hot.")]).probs[0] == 0
