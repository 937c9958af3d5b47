import numpy as np
import pytest
from dcr.controlled.base_sentences import base_sentences
from dcr.controlled.lexical_file import area_under_curve, labelled
from dcr.controlled.perturb import perturb
from dcr.detect.lexical import LexicalDetector
from dcr.detect.lexical_training import L2, Labelled, fit, train_lexical
from dcr.inputs.faithbench import read_faithbench
from tenpapers.errors import UserError


def test_the_fit_is_that_of_scikit_learn():
    """Its loss is a sum over rows with C = 1 / (n L2), its weights balanced the same way."""
    sklearn = pytest.importorskip("sklearn.linear_model")

    draw = np.random.default_rng(4)
    features = draw.normal(size=(60, 3))
    labels = (features @ [1.0, -0.5, 0.2] + draw.normal(size=60) > 0.8).astype(float)
    peer = sklearn.LogisticRegression(C=1 / (L2 * len(labels)), class_weight="balanced", tol=1e-10)
    peer.fit(features, labels)
    wanted = [*peer.coef_[0], peer.intercept_[0]]
    assert fit(features, labels) == pytest.approx(wanted, abs=1e-3)


def test_training_needs_both_labels():
    with pytest.raises(UserError, match="both supported and unsupported"):
        train_lexical([Labelled("Tea.", "Tea.", 1)])


def test_the_area_by_hand():
    """Pairs 0.4>0.3, 0.4=0.4, 0.9>0.3, 0.9>0.4: three and a half of four."""
    assert area_under_curve([0.4, 0.9, 0.3, 0.4], [1, 1, 0, 0]) == pytest.approx(3.5 / 4)
    assert area_under_curve([0.4], [1]) is None


def test_it_tells_injected_errors_of_sources_that_it_has_not_seen(data):
    rows = perturb(base_sentences(read_faithbench(data / "faithbench.jsonl.gz")))
    train, test = labelled(rows, "train"), labelled(rows, "test")
    assert not {row.document for row in train} & {row.document for row in test}
    detector = train_lexical(train)
    assert detector.weights == train_lexical(train).weights
    for known in (detector, LexicalDetector.load()):
        probs = known.score([row.pair for row in test]).probs
        assert area_under_curve(probs.tolist(), [row.label for row in test]) >= 0.75
