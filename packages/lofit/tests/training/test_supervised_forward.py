import pytest
import torch
from lofit.heads.edits import OffsetHeads
from lofit.training.losses import CompletionLoss
from lofit.training.supervised_forward import SupervisedForward
from tenpapers.models import AttentionLayout
from tenpapers.testing import tiny_model

from ..conftest import sequences


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_starting_at_kept_states_gives_the_same_loss_and_gradient(kind):
    """The cached loss matches to 1e-5."""
    model = tiny_model(kind, num_key_value_heads=2).requires_grad_(False)
    layout = AttentionLayout.from_model(model)
    batch = sequences(4)
    found = []
    for first in (None, 2):
        forward = SupervisedForward(model, first_layer=first)
        assert forward.first_layer == first
        v = torch.full((1, 16), 0.1, requires_grad=True)
        with OffsetHeads(layout, [(2, 1)], v):
            for _ in range(2):  # the second pass starts at layer 2
                v.grad = None
                loss = CompletionLoss(forward, batch).loss(range(4))
                loss.backward()
        found.append((float(loss.detach()), v.grad.clone()))
    assert len(model.model.layers) == 4
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)


@pytest.mark.parametrize("kind", ["gemma", "gpt2"])
def test_families_that_change_their_embeddings_are_not_restarted(kind):
    assert SupervisedForward(tiny_model(kind), first_layer=3).first_layer is None
