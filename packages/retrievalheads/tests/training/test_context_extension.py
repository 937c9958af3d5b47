"""RoPE bases and the contexts that they reach."""

import pytest
import torch
from retrievalheads.training.context_extension import chosen_theta, extend_context, ntk_theta
from tenpapers.errors import UserError
from transformers import AutoConfig

from ..conftest import logits, tiny


def test_ntk_theta_of_three_models():
    """The three values of section 3.2; a scale of 1 changes nothing."""
    for theta, d, wanted in [
        (500_000, 128, 2_044_497.1),
        (10_000, 128, 40_889.94),
        (100_000, 64, 418_293.7),
    ]:
        assert ntk_theta(theta, d, 4) == pytest.approx(wanted, rel=1e-6)
    assert ntk_theta(12345.0, 64, 1) == 12345.0 == ntk_theta(12345.0, 64, 0.5)


def test_the_extended_base_is_what_the_model_rotates_by():
    model = tiny(max_position_embeddings=64)
    theta = chosen_theta(model.config, "ntk", 256)
    extend_context(model, 256, theta)
    fresh = tiny(rope_parameters={"rope_type": "default", "rope_theta": theta})
    assert torch.allclose(logits(model), logits(fresh), atol=1e-6)
    assert chosen_theta(model.config, "theta=5e5", 10) == 5e5
    assert chosen_theta(model.config, "none", 10) is None
    with pytest.raises(UserError, match="ntk, theta=VALUE or none"):
        chosen_theta(model.config, "yarn", 10)


def test_a_model_is_extended_from_what_it_was_trained_with():
    """Mistral v0.1 says 32,768 positions and was trained at 8,192 with a base of 10,000."""
    config = AutoConfig.for_model("mistral", head_dim=128, max_position_embeddings=32768)
    assert chosen_theta(config, "ntk", 32768) == 10_000
    given = {"native_context": 8192}
    assert chosen_theta(config, "ntk", 32768, **given) == pytest.approx(40_889.94, rel=1e-6)
    given["native_theta"] = 500_000
    assert chosen_theta(config, "ntk", 32768, **given) == pytest.approx(2_044_497.1, rel=1e-6)


@pytest.mark.parametrize("kind", ["phi", "gpt_neox"])
def test_only_the_rotated_part_of_a_head_counts(kind):
    """Half of 16 numbers rotate: 10,000 * 2^(8/6); of all 16 it would be 10,000 * 2^(16/14)."""
    rope = {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5}
    model = tiny(kind, max_position_embeddings=64, rope_parameters=rope)
    theta = chosen_theta(model.config, "ntk", 128)
    assert theta == pytest.approx(25_198, abs=1)
    extend_context(model, 128, theta)
    again = tiny(kind, max_position_embeddings=128, rope_parameters=rope | {"rope_theta": theta})
    assert torch.allclose(logits(model), logits(again), atol=1e-6)


def test_mistrals_window_is_lifted():
    model = tiny("mistral", sliding_window=8, max_position_embeddings=64)
    before = logits(model)
    extend_context(model, 128, None)
    plain = tiny("mistral", sliding_window=None)
    assert torch.allclose(logits(model), logits(plain), atol=1e-6)
    assert not torch.allclose(before, logits(model), atol=1e-3)
