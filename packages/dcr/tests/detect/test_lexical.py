import json

import numpy as np
import pytest
from dcr.detect.lexical import LexicalDetector, LexicalWeights, read_weights
from dcr.detect.lexical_features import FEATURES, DocumentWords
from tenpapers.errors import UserError

DOCUMENT = "Ann Li sold 30 red houses in Rome. Bob studied maps."


def features(claim, document=DOCUMENT):
    return dict(zip(FEATURES, DocumentWords(document).features(claim).tolist(), strict=True))


def test_features_by_hand():
    """Content: yesterday, li, sold, 40, red, house, rome; of the document only four of seven."""
    found = features("Yesterday Li sold 40 red house in Rome")
    assert found == pytest.approx(
        {
            "content word recall": 4 / 7,
            "recall of five-letter beginnings": 5 / 7,  # house(s) too
            "number recall": 0.0,
            "recall of capitalised words": 1.0,
            "bigram recall": 2 / 7,  # li sold, in rome
            "best sentence's content word recall": 4 / 7,
            "content words, of 40": 7 / 40,
            "has a number": 1.0,
            "document words, of 600": 11 / 600,
            "least overlap of surroundings": 0.0,  # 40 is nowhere
            # li: sold, red of yesterday sold 40 red house; rome: sold, red of sold 40 red house
            "mean overlap of surroundings": (2 / 5 + 0 + 2 / 4) / 3,
            "numbers absent, of 3": 1.0,
            "capitalised words absent, of 3": 0.0,
        }
    )


def test_a_claim_without_numbers_and_names_lacks_none():
    found = features("bob studied maps")
    assert found["number recall"] == found["recall of capitalised words"] == 1.0
    assert found["least overlap of surroundings"] == found["mean overlap of surroundings"] == 1.0
    assert found["has a number"] == 0.0
    empty = features("...")
    assert empty["content word recall"] == 1.0 and empty["content words, of 40"] == 0.0


def test_absent_words_are_counted_to_three():
    found = features("It was 1, 2, 3, 4 and Abe, Cid, Dan, Eve")
    assert found["numbers absent, of 3"] == found["capitalised words absent, of 3"] == 3


def test_the_nearest_occurrence_counts():
    document = "Rome fell. " + "so it goes. " * 9 + "In Rome Ann sold houses."
    assert features("Then Rome sold houses", document)["least overlap of surroundings"] == 1.0


def weights(**changed):
    zeros = [0.0] * len(FEATURES)
    plain = {"mean": zeros, "scale": [1.0] * len(FEATURES), "weights": zeros, "bias": 0.0}
    return LexicalWeights.model_validate(plain | changed)


def test_the_probability_is_logistic_in_standardised_features():
    """Logit of the one weighed feature: 0.8 * (4/7 - 0.4) / 0.5 - 0.1."""
    given = weights(
        mean=[0.4, *[0.0] * 12], scale=[0.5, *[1.0] * 12], weights=[0.8, *[0.0] * 12], bias=-0.1
    )
    found = LexicalDetector(given).score([(DOCUMENT, "Yesterday Li sold 40 red house in Rome")])
    logit = 0.8 * (4 / 7 - 0.4) / 0.5 - 0.1
    assert found.probs == pytest.approx([1 / (1 + np.exp(-logit))], abs=1e-6)
    assert found.chunk_probs[0] == pytest.approx(found.probs)


def test_a_claim_about_something_else_is_no_more_probable_than_its_recall():
    """Of Ann sold blue cars, two of four beginnings; of Ann sold red cars, three."""
    detector = LexicalDetector(weights(bias=2.0, least_recall=0.6))
    claims = ["Ann sold blue cars", "Ann sold red cars"]
    found = detector.score([(DOCUMENT, claim) for claim in claims]).probs
    assert found == pytest.approx([0.5, 1 / (1 + np.exp(-2.0))])


def test_far_out_nothing_overflows():
    far = LexicalDetector(weights(bias=1e4)), LexicalDetector(weights(bias=-1e4))
    assert [one.score([("Tea.", "Tea.")]).probs[0] for one in far] == [1.0, 0.0]


def test_the_shipped_weights_are_small_and_say_what_they_learned_from():
    from importlib.resources import files

    shipped = files("dcr").joinpath("data/lexical.json").read_text()
    assert len(shipped) < 4000
    assert "QMSum" in json.loads(shipped)["trained_on"]
    detector = LexicalDetector.load()
    right, wrong = detector.score(
        [(DOCUMENT, "Ann Li sold 30 red houses in Rome."), (DOCUMENT, "Bob Li sold 70 in Rome.")]
    ).probs
    assert right > 0.5 > wrong


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"features": ["other"]}, "trained on other features"),
        ({"weights": [1.0]}, "13 features, but"),
        ({"bias": float("nan")}, "not finite"),
        ({"scale": [0.0] * 13}, "a scale is not over 0"),
    ],
)
def test_a_file_of_other_weights_is_refused(tmp_path, changed, told):
    file = tmp_path / "weights.json"
    file.write_text(json.dumps(weights().model_dump(mode="json") | changed))
    with pytest.raises(UserError, match=told):
        read_weights(file)


def test_its_identity_is_its_weights():
    one, other = LexicalDetector(weights(bias=1.0)), LexicalDetector(weights(bias=1.5))
    renamed = LexicalDetector(weights(bias=1.0, trained_on="x"))
    assert one.identity == renamed.identity != other.identity
