import numpy as np
import pytest
from cfr.records import Training
from cfr.retrieval.encoder import Encoder
from cfr.training.settings import TrainSettings
from cfr.training.train import train
from tenpapers.errors import UserError

from .conftest import passage, training_rows


def quick(scope, **more):
    given = {"epochs": 4, "batch": 4, "hard_negatives": 1, "lr": 3e-3, "dropout": 0.0}
    return TrainSettings(scope=scope, **(given | more))


@pytest.mark.parametrize("scope", ["full", "top-1", "lora", "head"])
def test_every_scope_lowers_the_loss(encoder, scope):
    before = encoder.encode(["the vaccine was tested"], side="query")
    report = train(encoder, training_rows(8), quick(scope, lr=2e-2, dev_share=0.0))
    assert report.loss[-1] < report.loss[0]
    assert (report.rows, report.tuples, report.dev_rows, report.best_epoch) == (8, 8, 0, None)
    assert abs(encoder.encode(["the vaccine was tested"], side="query") - before).max() > 1e-4


def test_dev_rows_are_of_other_claims(encoder):
    rows = training_rows(8, per_claim=2)
    report = train(encoder, rows, quick("head", dev_share=0.3))
    assert (report.rows, report.dev_rows) == (6, 2)
    assert len(report.dev_mrr) <= 4 and report.dev_before is not None
    assert report.dev_mrr[report.best_epoch - 1] == max(report.dev_mrr)
    assert "dev MRR" in report.told() and "temperature 0.05" in report.told()


def test_rows_without_a_positive_are_counted_and_all_of_them_stop_the_run(encoder):
    empty = Training(qid="9:0", claim="x", negatives=[passage("z", "oil")])
    report = train(encoder, [*training_rows(4), empty], quick("head", dev_share=0.0))
    assert (report.rows, report.without_positive) == (4, 1)
    with pytest.raises(UserError, match="none of 1 training rows has a positive"):
        train(encoder, [empty], quick("head", dev_share=0.0))


def test_the_same_seed_gives_the_same_model(tiny):
    def run(seed):
        encoder = Encoder.load(str(tiny))
        train(encoder, training_rows(8), quick("full", seed=seed, dropout=0.2, epochs=1))
        return encoder.encode(["oil prices"])

    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_a_model_with_matrices_is_not_tuned_beneath_them(encoder):
    train(encoder, training_rows(4), quick("head", dev_share=0.0))
    with pytest.raises(UserError, match="train those with --scope head"):
        train(encoder, training_rows(4), quick("full"))


@pytest.mark.acceptance
def test_heads_on_gold_answers_find_what_permuted_answers_do_not(data):
    """A cheap form of the study on a few hundred real texts: 100 claims, a pool of theirs alone.

    Half of the claims are trained on; the permuted control has the same positives, each with
    another claim's query.
    """
    from cfr.inputs.averitec_pool import averitec_pool  # noqa: F401
