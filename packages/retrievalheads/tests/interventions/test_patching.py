"""Activations of one model in another."""

import copy
import json

import pytest
import torch
from retrievalheads.interventions.patching import (
    LockStep,
    patched_generate,
    sides,
    two_adapters,
)

from ..conftest import IDS, TOY_IDS, fresh, logits, tiny


@pytest.fixture(scope="module")
def adapters(tmp_path_factory, toy):
    """Two adapters of the toy model with random weights, on q, k, v and on q, k, v, o."""
    from peft import LoraConfig, get_peft_model

    made = {}
    for seed, names in [(1, "qkv"), (2, "qkv"), (3, "qkvo"), (4, "qkvo")]:
        torch.manual_seed(seed)
        model = get_peft_model(
            copy.deepcopy(toy.model), LoraConfig(r=4, target_modules=[f"{n}_proj" for n in names])
        )
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.08)
        folder = tmp_path_factory.mktemp(f"adapter{seed}")
        model.save_pretrained(str(folder))
        state = {
            "base": toy.name,
            "layers": 4,
            "hidden_size": 64,
            "theta": None,
            "context_tokens": 64,
        }
        (folder / "train_state.json").write_text(json.dumps(state))
        made[seed] = folder
    return made


EVERY = [(layer, head) for layer in range(4) for head in range(8)]


def test_the_same_adapter_changes_nothing(toy, adapters):
    lm = two_adapters(fresh(toy), adapters[3], adapters[3])
    base = logits(lm.model, TOY_IDS)
    for heads in ([], [(1, 2)], EVERY):
        found = LockStep(*sides(lm.model), heads).run(TOY_IDS)
        assert torch.allclose(found, base, atol=1e-5)


def test_all_heads_give_the_source(toy, adapters):
    """With q, k, v adapted only; with o_proj adapted it does not, since its weights stay."""
    lm = two_adapters(fresh(toy), adapters[1], adapters[2])
    with torch.inference_mode():
        lm.model.set_adapter("source")
        source = lm.model(TOY_IDS).logits
        lm.model.set_adapter("target")
        target = lm.model(TOY_IDS).logits
    assert not torch.allclose(source, target, atol=1e-2)
    assert torch.allclose(LockStep(*sides(lm.model), EVERY).run(TOY_IDS), source, atol=1e-4)
    lm = two_adapters(fresh(toy), adapters[3], adapters[4])
    with torch.inference_mode():
        lm.model.set_adapter("source")
        source = lm.model(TOY_IDS).logits
        lm.model.set_adapter("target")
    assert not torch.allclose(LockStep(*sides(lm.model), EVERY).run(TOY_IDS), source, atol=1e-4)


def test_lock_step_decoding_equals_one_pass(toy, adapters):
    """Step by step on both caches gives the logits of the whole sequence at once."""
    lm = two_adapters(fresh(toy), adapters[1], adapters[2])
    heads = [(0, 1), (2, 3)]
    whole = LockStep(*sides(lm.model), heads).run(TOY_IDS)
    steps = LockStep(*sides(lm.model), heads)
    parts = [steps.run(TOY_IDS[:, :20])]
    parts += [steps.run(TOY_IDS[:, i : i + 1]) for i in range(20, 30)]
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-4)
    answer = patched_generate(*sides(lm.model), heads, TOY_IDS, max_new_tokens=5)
    assert answer[0] == whole[0, -1].argmax() and len(answer) == 5
    late = LockStep(*sides(lm.model), heads, positions="decode").run(TOY_IDS)
    plain = logits(lm.model, TOY_IDS)
    assert torch.allclose(late[:, :-1], plain[:, :-1], atol=1e-5)
    assert not torch.allclose(late[:, -1], plain[:, -1], atol=1e-4)


def test_two_models_of_their_own_are_patched_too():
    """Without adapters: all heads of the source in a target that shares the other weights."""
    target, source = tiny(), tiny()
    source.model.layers[1].self_attn.v_proj.weight.data *= 1.5
    every = [(layer, head) for layer in range(4) for head in range(4)]
    found = LockStep(target, source, every).run(IDS[:1])
    assert torch.allclose(found, logits(source, IDS[:1]), atol=1e-4)
    answer = patched_generate(target, source, [(1, 0)], IDS[:1], "decode", 3)
    assert len(answer) == 3
    with pytest.raises(ValueError, match="different shapes"):
        LockStep(target, tiny(num_hidden_layers=2), [])
