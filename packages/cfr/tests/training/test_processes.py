import sys

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing
from cfr.contrast.batches import batches_of_epoch
from cfr.contrast.tuples import training_set
from cfr.training.settings import TrainSettings
from cfr.training.step import backward, share_of

from .conftest import training_rows
from .test_step import gradients, heads

SETTINGS = TrainSettings(scope="head", batch=8, hard_negatives=2)


def one_batch():
    """Five rows: the first process gets three of them, the second two."""
    data = training_set(training_rows(5))
    (batch,) = batches_of_epoch(data, 8, 2, np.random.default_rng(0))
    return data, batch


def work(rank, store, out):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    data, batch = one_batch()
    model = heads(data)
    loss = backward(model, share_of(batch, rank, 2), data, SETTINGS)
    torch.save({"loss": loss, **gradients(model)}, f"{out}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="gloo over a file")
def test_two_processes_take_the_step_that_one_takes(tmp_path):
    data, batch = one_batch()
    alone = heads(data)
    loss = backward(alone, batch, data, SETTINGS)
    torch.multiprocessing.spawn(work, (str(tmp_path / "store"), str(tmp_path)), nprocs=2)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert found["loss"] == pytest.approx(loss, abs=1e-6)
        for side, grad in gradients(alone).items():
            assert torch.allclose(found[side], grad, atol=1e-5)
