import pytest
import torch
from lofit.heads.edits import OffsetHeads
from lofit.training.losses import CompletionLoss
from lofit.training.supervised_forward import SupervisedForward, vocabulary_logits
from tenpapers.models import AttentionLayout, UnsupportedModelError
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


@pytest.mark.parametrize("kind", ["gemma", "granite", "gpt2"])
def test_families_that_change_their_embeddings_are_not_restarted(kind):
    more = {} if kind == "gpt2" else {"num_key_value_heads": 4}
    assert SupervisedForward(tiny_model(kind, **more), first_layer=3).first_layer is None


def test_kept_states_have_a_limit_and_what_is_beyond_it_is_computed_again():
    """Room for two of four sequences; the loss of a batch is the same, kept or not."""
    model, batch = tiny_model("llama").requires_grad_(False), sequences(4)
    room = sum(len(sequence.ids) for sequence in batch[:2]) * 64 * 4  # 64 float32 a token
    whole, half = (
        SupervisedForward(model, first_layer=2, max_kept=most) for most in (1 << 30, room)
    )
    for forward in (whole, half):
        for _ in range(2):
            losses = [CompletionLoss(forward, batch).loss(part) for part in ([0, 1], [2, 3])]
        forward.last = [float(loss) for loss in losses]
    assert list(half.states) == [sequence.ids for sequence in batch[:2]] and half.room == 0
    assert len(whole.states) == 4 and half.last == pytest.approx(whole.last, abs=1e-5)


SCALED = {
    "cohere": {"logit_scale": 0.3},
    "granite": {"logits_scaling": 7.0, "embedding_multiplier": 3.0},
    "gemma2": {"final_logit_softcapping": 5.0, "head_dim": 16},
}


@pytest.mark.parametrize("kind", SCALED)
def test_logits_are_scaled_as_the_model_scales_them(kind):
    model = tiny_model(kind, num_key_value_heads=2, **SCALED[kind])
    ids = torch.arange(3, 9)[None]
    with torch.no_grad():
        hidden = model.get_decoder()(input_ids=ids).last_hidden_state
        assert torch.allclose(vocabulary_logits(model, hidden), model(ids).logits, atol=1e-5)


def test_a_model_that_makes_its_logits_in_another_way_is_refused():
    model = tiny_model("cohere", num_key_value_heads=2, logit_scale=0.3)
    model.logit_scale = 0.6  # not what its configuration says
    with pytest.raises(UnsupportedModelError, match="cohere: makes its logits in a way"):
        SupervisedForward(model)
