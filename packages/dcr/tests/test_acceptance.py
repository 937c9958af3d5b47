import pytest
from dcr.controlled.base_sentences import base_sentences
from dcr.inputs.faithbench import read_faithbench
from dcr.records import Detected
from dcr.study import arms
from dcr.study.controlled import controlled_part, pairs_of, summary_of_seeds
from dcr.study.settings import Study

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def experiment(data):
    """The controlled experiment of one seed on FaithBench's sentences."""
    base = list(base_sentences(read_faithbench(data / "faithbench.jsonl.gz")))
    study = Study(draws=100)
    part = controlled_part(base, study, study.seed)
    return part, summary_of_seeds([part], study)["arms"]


def test_known_errors_are_mended_best_where_detection_is_a_step_of_its_own(experiment):
    part, found = experiment
    balance = {name: arm["balance"]["mean"] for name, arm in found.items()}
    assert part["pairs"] > 140
    assert part["detector"]["auc"] >= 0.75
    assert balance[arms.DCR] >= 0.50
    assert balance[arms.DCR] >= balance[arms.FEED] + 0.10
    assert found[arms.RANDOM]["restored"]["mean"] <= 0.15


def test_the_detectors_own_score_rises_on_right_sentences_that_were_damaged(experiment):
    _, found = experiment
    assert found[arms.DCR]["intact"]["mean"] < 1 and found[arms.DCR]["delta_clean"] > 0


def test_oracles_mend_every_error_whose_span_stands_there_once_and_harm_nothing(data):
    base = list(base_sentences(read_faithbench(data / "faithbench.jsonl.gz")))
    pairs = pairs_of(base, seed=42)
    rows = []
    for pair in pairs:
        for one in (pair.damaged, pair.clean):
            told = {
                "sentences": [one.response],
                "offsets": [(0, len(one.response))],
                "support_prob": [1.0],
                "labels": [1],
                "response_ok": True,
                "detector": "oracle",
            }
            rows.append(arms.by_gold(Detected.model_validate(dict(one) | told)))
    refined = {row.id: row.refined for row in arms.refine_by(rows, arms.gold_critiques)}
    once = [pair for pair in pairs if pair.damaged.response.count(pair.damaged.gold[0].span) == 1]
    assert len(once) > 0.9 * len(pairs)
    assert all(refined[pair.damaged.id] == pair.clean.response for pair in once)
    assert all(refined[pair.clean.id] == pair.clean.response for pair in pairs)
