"""Attention-only training."""

import copy

import pytest
import torch
from retrievalheads.inputs.toy.examples import toy_examples
from retrievalheads.training.attention_tuning import attention_only, train
from retrievalheads.training.context_extension import extend_context, ntk_theta
from retrievalheads.training.settings import TrainConfig
from retrievalheads.training.tuned_model import put_on
from tenpapers.models import CausalLM

from ..conftest import TOY_IDS, fresh, logits

TRAIN = TrainConfig(context_tokens=128, lora_r=4, lr=1e-3, batch_size=4, micro_batch=4, epochs=1)


def test_only_attention_is_trained(lm):
    """SmolLM2 at r = 16: 1,843,200 numbers."""
    model, count = attention_only(
        CausalLM(copy.deepcopy(lm.model), lm.tokenizer, lm.name, lm.identity), TrainConfig()
    )
    assert count == 1_843_200
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert all(
        any(f".{part}." in name for part in ("q_proj", "k_proj", "v_proj", "o_proj"))
        for name in trained
    )


@pytest.mark.parametrize("no_lora", [False, True])
def test_other_weights_stay_bit_identical(no_lora, toy, tmp_path):
    """After two steps; and the saved adapter gives the trained model back."""
    from dataclasses import replace

    lm = fresh(toy)
    before = {name: weight.clone() for name, weight in lm.model.state_dict().items()}
    examples = toy_examples("hh", "train", 8, context=128, facts=4)
    state = train(lm, examples, tmp_path / "a", replace(TRAIN, no_lora=no_lora), progress=False)
    assert len(state["losses"]) == 2 and state["theta"] == pytest.approx(ntk_theta(1e4, 8, 2))
    after = {
        name.replace("base_layer.", ""): weight
        for name, weight in lm.model.state_dict().items()
        if "lora" not in name
    }
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert all("_proj" in name and "mlp" not in name for name in changed)
    assert bool(changed) == no_lora
    ids = TOY_IDS[:, :20]
    loaded = put_on(fresh(toy), tmp_path / "a")
    extended = fresh(toy)
    extend_context(extended.model, 128, state["theta"])
    assert not torch.allclose(logits(loaded.model, ids), logits(extended.model, ids), atol=1e-6)


def test_a_killed_training_goes_on(toy, tmp_path):
    """Stopped after its first checkpoint, at step 50 of 56, it ends where an unbroken one ends."""
    from dataclasses import replace

    from transformers import TrainerCallback

    examples = toy_examples("hh", "train", 8, context=128, facts=4)
    config = replace(TRAIN, batch_size=1, micro_batch=1, lora_dropout=0.0, epochs=7)
    whole = train(fresh(toy), examples, tmp_path / "whole", config, progress=False)

    class Kill(TrainerCallback):
        def on_save(self, args, state, control, **more):
            raise KeyboardInterrupt

    from unittest.mock import patch

    from transformers import Trainer

    first = Trainer.__init__

    def with_kill(self, *args, **settings):
        first(self, *args, **settings)
        self.add_callback(Kill())

    with patch.object(Trainer, "__init__", with_kill), pytest.raises(KeyboardInterrupt):
        train(fresh(toy), examples, tmp_path / "broken", config, progress=False)
    assert not (tmp_path / "broken" / "train_state.json").exists()
    rest = train(fresh(toy), examples, tmp_path / "broken", config, progress=False)
    assert len(rest["losses"]) == 56
    assert rest["losses"][-1] == pytest.approx(whole["losses"][-1], abs=1e-4)
    assert not (tmp_path / "broken" / "checkpoints").exists()
