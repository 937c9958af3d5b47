import numpy as np
import pytest
from dcr.controlled.base_sentences import base_sentences
from dcr.detect.detector import Detector, DetectorOutput
from dcr.inputs.faithbench import read_faithbench
from dcr.study import arms
from dcr.study.arms import run_arms
from dcr.study.controlled import controlled_part, pairs_of, summary_of_seeds
from dcr.study.settings import Study


class Known:
    """Supports right sentences, and what has a known error least of all."""

    identity = "known"

    def __init__(self, right, wrong=()):
        self.right, self.wrong = right, wrong

    def score(self, pairs, *, batch_tokens=0):
        probs = [self._prob(document, text) for document, text in pairs]
        return DetectorOutput.of_chunks([np.array([p], dtype=np.float32) for p in probs])

    def _prob(self, document, text):
        if text in self.right:
            return 0.9
        has_error = any(document == other and span in text for other, span in self.wrong)
        return 0.2 if has_error else 0.4

    def close(self):
        pass


@pytest.fixture(scope="module")
def pairs(small_data):
    """Right sentences and their damaged twins."""
    rows = read_faithbench(small_data / "faithbench.jsonl.gz")
    return pairs_of(list(base_sentences(rows)), seed=1)


def test_pairs_differ_in_their_gold_span_alone(pairs):
    assert len(pairs) >= 16
    for pair in pairs:
        (gold,) = pair.damaged.gold
        response = pair.damaged.response
        mended = response[: gold.start] + gold.fix + response[gold.end :]
        assert mended == pair.clean.response != response
        assert pair.clean.document == pair.damaged.document
    documents = {pair.unit: pair.clean.document for pair in pairs}
    assert all(documents[pair.unit] == pair.clean.document for pair in pairs)
    assert len(set(documents.values())) == len(documents) > 8


def test_who_knows_everything_mends_everything_and_harms_nothing(pairs):
    wrong = {(pair.clean.document, pair.damaged.gold[0].span) for pair in pairs}
    detector = Detector(Known({pair.clean.response for pair in pairs}, wrong), "known")
    found = run_arms(pairs, detector, seed=0)
    for name in (arms.ORACLE, arms.ORACLE_CRITIC):
        assert all(found[name].restored) and all(found[name].intact)
    assert not any(found[arms.NOTHING].restored) and all(found[arms.NOTHING].intact)
    assert not any(found[arms.DROP].restored) and all(found[arms.DROP].intact)
    # Where the detector flags what is damaged alone, only what is damaged is touched.
    for name in (arms.DCR, arms.RANDOM, arms.ORACLE_DETECTOR, arms.SPAN_ONLY):
        assert all(found[name].intact)
    assert sum(found[arms.DCR].restored) > sum(found[arms.RANDOM].restored)
    assert found[arms.DCR].critiques == len(pairs)
    assert found[arms.FEED].critiques == 2 * len(pairs)


def test_who_flags_nothing_changes_nothing_but_where_every_sentence_is_criticised(pairs):
    everything = {one.response for pair in pairs for one in (pair.clean, pair.damaged)}
    found = run_arms(pairs, Detector(Known(everything), "known"), seed=0)
    for name in (arms.DCR, arms.RANDOM, arms.DROP, arms.ORACLE_CRITIC):
        assert not any(found[name].restored) and all(found[name].intact)
    assert all(found[arms.ORACLE].restored)


def test_a_part_is_the_same_for_the_same_seed_and_tells_every_arm(small_data):
    rows = read_faithbench(small_data / "faithbench.jsonl.gz")
    base, study = list(base_sentences(rows)), Study(draws=20)
    one, again = (controlled_part(base, study, seed=3) for _ in range(2))
    assert one == again
    assert one != controlled_part(base, study, seed=4)
    found = summary_of_seeds([one, again], study)
    assert list(found["arms"]) == list(one["arms"])
    assert len(found["differences"]) == len(found["arms"]) - 1
    restored = found["arms"][arms.DCR]["restored"]
    assert restored["seeds"][0] == restored["mean"] == np.mean(one["arms"][arms.DCR]["restored"])
    nothing = found["arms"][arms.NOTHING]
    assert (nothing["edits"], nothing["rouge"], nothing["delta_clean"]) == (0, 1, 0)
