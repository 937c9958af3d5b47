"""Responses and a detector that a person can follow."""

import numpy as np
from dcr.detect.detector import DetectorOutput
from dcr.records import Detected
from tenpapers.sentences import sentence_split

DOCUMENT = "Ann ran home in June. Bo sat down in Paris on 12 May."


def detected(response, labels, **fields):
    """A response whose sentences are labelled by hand."""
    sentences = sentence_split(response)
    given = {
        "id": "a",
        "document": DOCUMENT,
        "response": response,
        "sentences": [one.text for one in sentences],
        "offsets": [(one.start, one.end) for one in sentences],
        "support_prob": [0.9 if label else 0.1 for label in labels],
        "labels": labels,
        "response_ok": all(labels),
        "detector": "by hand",
    }
    return Detected(**(given | fields))


class SharedWords:
    """A detector whose probability is the share of a claim's words that the document has."""

    identity = "shared words"

    def __init__(self):
        self.calls = 0

    def score(self, pairs, *, batch_tokens=16384):
        self.calls += 1
        return DetectorOutput.of_chunks([np.array([self.share(*pair)]) for pair in pairs])

    @staticmethod
    def share(document, claim):
        there = set(document.lower().replace(".", "").split())
        words = claim.lower().replace(".", "").split()
        return sum(word in there for word in words) / max(1, len(words))

    def close(self):
        """Nothing is held."""
