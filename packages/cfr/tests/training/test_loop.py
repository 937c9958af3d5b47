import dataclasses

import numpy as np
import pytest
import torch
from cfr.contrast.tuples import training_set
from cfr.training.loop import fit, total_steps
from cfr.training.settings import TrainSettings
from cfr.training.state import State
from cfr.training.trained_models import Heads, Texts, open_scope
from tenpapers.errors import UserError

from .conftest import training_rows
from .test_step import heads

SETTINGS = TrainSettings(
    scope="head", batch=4, hard_negatives=1, epochs=3, lr=0.05, weight_decay=0.0, patience=0
)


class KilledError(Exception):
    pass


def killed_after(model, steps):
    """The model, whose process dies in the step after so many."""
    whole, left = model.mode, [steps]

    def mode(*, training):
        left[0] -= training
        if left[0] < 0:
            raise KilledError
        whole(training=training)

    model.mode = mode
    return model


def values(model):
    return {name: value.detach().clone() for name, value in model.parameters.items()}


def test_training_brings_queries_to_their_positives():
    data = training_set(training_rows(8))
    model = heads(data)
    progress = fit(model, data, dataclasses.replace(SETTINGS, epochs=20))
    assert len(progress.losses) == total_steps(data, dataclasses.replace(SETTINGS, epochs=20)) == 40
    assert progress.epoch_losses[-1] < 0.7 * progress.epoch_losses[0]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, steps):
    """Two steps an epoch; killed within the first one, at its end and later."""
    data = training_set(training_rows(8))
    dev = lambda model: (model, data)  # noqa: E731
    whole = heads(data)
    undisturbed = fit(whole, data, SETTINGS, dev=dev(whole))
    broken = heads(data)
    state = State(tmp_path / "state", "a run")
    with pytest.raises(KilledError):
        fit(killed_after(broken, steps), data, SETTINGS, dev=dev(broken), state=state, save_every=0)
    again = heads(data)
    resumed = fit(again, data, SETTINGS, dev=dev(again), state=state, save_every=0)
    assert resumed.losses == undisturbed.losses
    assert resumed.dev_mrr == undisturbed.dev_mrr
    for name, value in values(whole).items():
        assert torch.equal(value, values(again)[name])


def test_a_killed_run_draws_the_dropout_that_it_would_have_drawn(encoder, tiny, tmp_path):
    from cfr.retrieval.encoder import Encoder

    data = training_set(training_rows(8))
    settings = TrainSettings(batch=4, epochs=2, lr=1e-3, dropout=0.3, patience=0)
    runs = []
    for steps in (None, 3):
        own = Encoder.load(str(tiny))
        open_scope(own, settings)
        model = Texts(own, data.rows, data.documents.texts)
        state = State(tmp_path / f"{steps}", "a run")
        if steps:
            with pytest.raises(KilledError):
                fit(killed_after(model, steps), data, settings, state=state, save_every=0)
            torch.manual_seed(123)
            own = Encoder.load(str(tiny))
            open_scope(own, settings)
            model = Texts(own, data.rows, data.documents.texts)
        runs.append((fit(model, data, settings, state=state, save_every=0), values(model)))
    assert runs[0][0].losses == runs[1][0].losses
    for name, value in runs[0][1].items():
        assert torch.equal(value, runs[1][1][name]), name


def test_the_state_of_another_run_is_not_taken(tmp_path):
    data = training_set(training_rows(8))
    fit(heads(data), data, SETTINGS, state=State(tmp_path, "one"), save_every=0)
    model = heads(data)
    progress = fit(model, data, SETTINGS, state=State(tmp_path, "two"), save_every=0)
    assert len(progress.losses) == 6
    assert not torch.equal(model.parameters["query"], torch.eye(5))


def test_training_stops_after_epochs_without_gain_and_keeps_the_best():
    """The dev set contradicts the training set, so every epoch makes it worse."""
    data = training_set(training_rows(8))
    turned = [
        row.model_copy(update={"positives": row.negatives[:1], "negatives": row.positives})
        for row in training_rows(8)
    ]
    dev_data = training_set(turned)
    model = heads(data)
    number = data.documents.number
    order = [
        number[next(p for p in number if dev_data.documents.number.get(p) == place)]
        for place in range(len(dev_data.documents.texts))
    ]
    dev = model.over(
        model._given["query"].numpy(), model._given["document"].numpy()[np.array(order)]
    )
    settings = dataclasses.replace(SETTINGS, epochs=30, patience=2)
    progress = fit(model, data, settings, dev=(dev, dev_data))
    assert len(progress.dev_mrr) < 30
    assert len(progress.dev_mrr) == progress.best_epoch + 2
    from cfr.training.dev import dev_mrr

    assert dev_mrr(dev, dev_data, score="cosine") == progress.dev_mrr[progress.best_epoch - 1]


def test_a_loss_that_is_no_number_ends_the_run_in_one_line():
    data = training_set(training_rows(4))
    model = heads(data)
    with torch.no_grad():
        model.parameters["query"][0, 0] = float("nan")
    with pytest.raises(UserError, match=r"step 1: the loss is nan; a lower --lr"):
        fit(model, data, SETTINGS)


def test_steps_can_be_limited():
    data = training_set(training_rows(8))
    progress = fit(heads(data), data, dataclasses.replace(SETTINGS, max_steps=3))
    assert len(progress.losses) == 3
    assert progress.ends == [2, 3]


def test_heads_begin_as_no_change():
    model = Heads(np.eye(3, dtype=np.float32), 2 * np.eye(3, dtype=np.float32))
    assert model.vectors(np.array([1]), "query").tolist() == [[0, 1, 0]]
    assert model.vectors(np.array([2]), "document").tolist() == [[0, 0, 2]]
