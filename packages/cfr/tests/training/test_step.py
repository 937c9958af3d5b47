import numpy as np
import pytest
import torch
from cfr.contrast.batches import Batch, batches_of_epoch
from cfr.contrast.losses import info_nce
from cfr.contrast.tuples import training_set
from cfr.training.settings import TrainSettings
from cfr.training.step import backward, share_of
from cfr.training.trained_models import Heads, Texts, open_scope

from .conftest import training_rows


def heads(data, seed=0):
    rng = np.random.default_rng(seed)
    given = [rng.standard_normal((n, 5)) for n in (len(data.rows), len(data.documents.texts))]
    return Heads(*(part.astype(np.float32) for part in given))


def gradients(model):
    """Of all parameters that take part; a BERT's pooler does not."""
    return {
        name: value.grad.clone()
        for name, value in model.parameters.items()
        if value.grad is not None
    }


def test_a_step_has_the_loss_of_the_formula():
    data = training_set(training_rows(4))
    model = heads(data)
    (batch,) = batches_of_epoch(data, 8, 2, np.random.default_rng(0))
    loss = backward(model, batch, data, TrainSettings(scope="head", batch=8, hard_negatives=2))
    q, d = model.vectors(batch.rows, "query"), model.vectors(batch.columns, "document")
    mask = torch.zeros(4, len(batch.columns), dtype=torch.bool)
    numbers = torch.from_numpy(batch.columns)
    for row in range(4):
        mask[row] = numbers == numbers[row]
        mask[row, row] = False
    expected = info_nce(q, d, torch.arange(4), mask, 0.05).loss
    assert loss == pytest.approx(float(expected), abs=1e-6)


def test_the_pull_adds_the_distance_of_the_matrices():
    data = training_set(training_rows(4))
    (batch,) = batches_of_epoch(data, 8, 2, np.random.default_rng(0))
    settings = TrainSettings(scope="head")
    plain, pulled = heads(data), heads(data)
    pulled._pull = 0.3
    for model in (plain, pulled):
        with torch.no_grad():
            model.parameters["query"][1, 2] += 0.5
        backward(model, batch, data, settings)
    more = gradients(pulled)["query"] - gradients(plain)["query"]
    expected = torch.zeros(5, 5)
    expected[1, 2] = 0.3 * 2 * 0.5 / 25
    assert torch.allclose(more, expected, atol=1e-6)


def test_a_gradient_cache_of_4_gives_the_gradients_of_a_batch_of_16(encoder):
    """On a real encoder, without dropout; the batch has repeated claims, so masks matter."""
    data = training_set(training_rows(16, per_claim=2))
    settings = TrainSettings(batch=16, dropout=0.0, distinct_claims=False)
    (batch,) = batches_of_epoch(data, 16, 2, np.random.default_rng(0), distinct_claims=False)
    open_scope(encoder, settings)
    model = Texts(encoder, data.rows, data.documents.texts)
    found = []
    for chunk in (0, 4):
        encoder.model.zero_grad()
        cached = TrainSettings(batch=16, dropout=0.0, chunk=chunk)
        found.append((backward(model, batch, data, cached), gradients(model)))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    for name, grad in found[0][1].items():
        assert torch.allclose(grad, found[1][1][name], atol=1e-5), name


def test_a_process_takes_its_rows_with_their_columns():
    batch = Batch(np.array([7, 8, 9]), np.array([1, 2, 3, 4, 5]), np.array([0, 1, 2, 1, 2]))
    parts = [share_of(batch, process, 2) for process in (0, 1)]
    assert [part.rows.tolist() for part in parts] == [[7, 9], [8]]
    assert [part.columns.tolist() for part in parts] == [[1, 3, 5], [2, 4]]
    assert [part.owner.tolist() for part in parts] == [[0, 1, 1], [0, 0]]
