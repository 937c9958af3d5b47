import pytest
import torch
from lofit.heads.residual_hooks import LayerCapture, OutputEdits, mlp_modules
from tenpapers.models import AttentionLayout, HeadGeometry, UnsupportedModelError


class Tupled(torch.nn.Module):
    def forward(self, state):
        return state, "cache"


@pytest.mark.parametrize(("strength", "expected"), [(0.0, 2.0), (0.4, 4.0), (1.0, 7.0)])
@pytest.mark.parametrize("module", [torch.nn.Identity(), Tupled()])
def test_strength_scales_the_edit_in_a_straight_line(module, strength, expected):
    """h = 2 becomes 3 h + 1 = 7 at full strength: 2 + 0.4 * 5 = 4."""
    with OutputEdits([module], [lambda state: 3 * state + 1], strength=strength):
        output = module(torch.tensor([2.0]))
    state = output[0] if isinstance(output, tuple) else output
    assert float(state) == pytest.approx(expected)
    assert not module._forward_hooks


def test_layers_are_captured_in_their_order():
    layers = [torch.nn.Linear(2, 2), Tupled()]
    with LayerCapture(layers) as capture:
        layers[1](torch.ones(1, 2))
        layers[0](torch.ones(1, 2))
    assert [state.shape for state in capture.states] == [(1, 2), (1, 2)]
    assert torch.equal(capture.states[1], torch.ones(1, 2))


def test_an_unknown_architecture_is_refused():
    geometry = HeadGeometry("novel", 1, 1, 1, 1, 1)
    layout = AttentionLayout(geometry, (None,), (torch.nn.Identity(),))
    with pytest.raises(UnsupportedModelError, match="novel: its layers have no module 'mlp'"):
        mlp_modules(layout)
