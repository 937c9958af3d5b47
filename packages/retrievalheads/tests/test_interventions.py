"""Knockout, patching, attention-only training (checks 4, 9, 10, 11, 12)."""

import copy
import json

import pytest
import torch
from retrievalheads.heads.detect import detect
from retrievalheads.heads.score_files import head_set, ranked
from retrievalheads.inputs.toy.examples import toy_examples
from retrievalheads.interventions.knockout import (
    Knockout,
    control_heads,
    knockout,
    layout_of,
    mean_outputs,
)
from retrievalheads.interventions.knockout_sweep import settings_for, sweep
from retrievalheads.interventions.patching import (
    LockStep,
    patch_arms,
    patched_generate,
    sides,
    two_adapters,
)
from retrievalheads.training.attention_tuning import TrainConfig, attention_only, train
from retrievalheads.training.context_extension import chosen_theta, extend_context, ntk_theta
from retrievalheads.training.tuned_model import load_model, put_on
from tenpapers.errors import UserError
from tenpapers.models import CausalLM

from .conftest import tiny

IDS = torch.randint(3, 300, (2, 24), generator=torch.Generator().manual_seed(1))


def logits(model, ids=IDS, **more):
    with torch.inference_mode():
        return model(ids, **more).logits


def test_check_4_ntk_theta():
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


def test_mistrals_window_is_lifted():
    model = tiny("mistral", sliding_window=8, max_position_embeddings=64)
    before = logits(model)
    extend_context(model, 128, None)
    plain = tiny("mistral", sliding_window=None)
    assert torch.allclose(logits(model), logits(plain), atol=1e-6)
    assert not torch.allclose(before, logits(model), atol=1e-3)


def test_check_9_zero():
    """k = 0 is bit-identical; a whole layer at zero is a layer without attention output."""
    model = tiny()
    base = logits(model)
    with knockout(model, []):
        assert torch.equal(logits(model), base)
    with knockout(model, [(1, h) for h in range(4)]):
        off = logits(model)
    projection = model.model.layers[1].self_attn.o_proj
    kept = projection.weight.data.clone()
    projection.weight.data.zero_()
    assert torch.allclose(off, logits(model), atol=1e-5)
    projection.weight.data = kept
    assert torch.equal(logits(model), base)


@pytest.mark.parametrize("padded", [False, True])
def test_check_9_uniform_is_the_running_mean_of_the_values(padded):
    """Over visible positions, padding left out, and never a future one."""
    model = tiny()
    mask = torch.ones_like(IDS)
    if padded:
        mask[1, :6] = 0
    taken = {}
    layout = layout_of(model)
    projection = layout.projection(2).module
    value = model.model.layers[2].self_attn.v_proj
    hooks = [value.register_forward_hook(lambda m, i, o: taken.update(value=o))]
    with knockout(model, [(2, 1), (2, 3)], kind="uniform"):
        hooks.append(projection.register_forward_pre_hook(lambda m, i: taken.update(z=i[0])))
        logits(model, attention_mask=mask)
    for hook in hooks:
        hook.remove()
    heads = taken["z"].view(2, 24, 4, 16)
    values = taken["value"].view(2, 24, 2, 16)
    for head, group in ((1, 0), (3, 1)):
        for row in range(2):
            first = int((mask[row] == 0).sum())
            for place in range(first, 24):
                mean = values[row, first : place + 1, group].mean(0)
                assert torch.allclose(heads[row, place, head], mean, atol=1e-5)


@pytest.mark.parametrize("kind", ["zero", "uniform"])
def test_check_9_no_future_position_is_used(kind):
    """Changing token j leaves the logits before j alone; and a cache changes nothing."""
    model = tiny()
    other = IDS.clone()
    other[:, 15] = (other[:, 15] + 7) % 290 + 3
    with knockout(model, [(0, 0), (1, 2), (3, 1)], kind=kind):
        a, b = logits(model), logits(model, other)
        assert torch.allclose(a[:, :15], b[:, :15], atol=1e-6)
        with torch.inference_mode():
            past = model(IDS[:, :20], use_cache=True).past_key_values
            rest = model(IDS[:, 20:], past_key_values=past).logits
        assert torch.allclose(rest, a[:, 20:], atol=1e-5)


def test_decode_scope_edits_the_last_prompt_token_and_what_follows():
    model = tiny()
    base = logits(model)
    with knockout(model, [(1, 0), (2, 2)], scope="decode"):
        edited = logits(model)
        assert torch.allclose(edited[:, :-1], base[:, :-1], atol=1e-6)
        assert not torch.allclose(edited[:, -1], base[:, -1], atol=1e-3)
        single = logits(model, IDS[:, :1])
    with knockout(model, [(1, 0), (2, 2)]):
        assert torch.allclose(single, logits(model, IDS[:, :1]), atol=1e-6)


def test_settings_side_by_side_equal_one_after_the_other():
    model = tiny()
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, 1, 0] = masks[1, 3, 2] = True
    for kind in ("zero", "uniform"):
        with Knockout(model, masks, kind=kind):
            both = logits(model)
        for row, head in enumerate([(1, 0), (3, 2)]):
            with knockout(model, [head], kind=kind):
                assert torch.allclose(both[row], logits(model)[row], atol=1e-5)


def test_mean_outputs_replace_a_head():
    model = tiny()
    means = mean_outputs(model, [IDS[0].tolist(), IDS[1].tolist()])
    assert means.shape == (4, 4, 16)
    with knockout(model, [(0, 1)], kind="mean", means=means):
        assert not torch.allclose(logits(model), tiny()(IDS).logits, atol=1e-4)
    with pytest.raises(ValueError, match="mean outputs"), knockout(model, [(0, 1)], kind="mean"):
        pass


def test_bad_head_lists_name_the_shape():
    model = tiny()
    for heads, told in [([(4, 0)], "4 x 4"), ([(0, 4)], "4 x 4"), ([(1, 1), (1, 1)], "twice")]:
        with pytest.raises(ValueError, match=told), knockout(model, heads):
            pass


def test_controls_come_from_outside_and_the_pool_is_told():
    scores = torch.zeros(8, 32)
    scores[2, :5] = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5])
    top = {entry[:2] for entry in ranked(scores)[:100]}
    drawn = control_heads(scores, 20, 1, threshold=0.1)
    assert len(set(drawn)) == 20 and not top & set(drawn)
    assert drawn == control_heads(scores, 20, 1, threshold=0.1)
    with pytest.raises(ValueError, match="pool has 156"):
        control_heads(scores, 157, 0, threshold=0.1)
    assert len(settings_for(scores, [0, 5], [0, 1], threshold=0.1)) == 4
    scores[5] = torch.linspace(0.01, 0.02, 32)
    matched = control_heads(scores, 3, 0, threshold=0.1, match_layers=True)
    assert [layer for layer, _ in matched] == [2, 2, 2]


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
            "layers": 3,
            "hidden_size": 64,
            "theta": None,
            "context_tokens": 64,
        }
        (folder / "train_state.json").write_text(json.dumps(state))
        made[seed] = folder
    return made


def fresh(toy):
    return CausalLM(copy.deepcopy(toy.model), toy.tokenizer, toy.name, toy.revision)


TOY_IDS = torch.randint(3, 120, (1, 30), generator=torch.Generator().manual_seed(3))
EVERY = [(layer, head) for layer in range(3) for head in range(4)]


def test_check_10_the_same_adapter_changes_nothing(toy, adapters):
    lm = two_adapters(fresh(toy), adapters[3], adapters[3])
    base = logits(lm.model, TOY_IDS)
    for heads in ([], [(1, 2)], EVERY):
        found = LockStep(*sides(lm.model), heads).run(TOY_IDS)
        assert torch.allclose(found, base, atol=1e-5)


def test_check_10_all_heads_give_the_source(toy, adapters):
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


def test_arms_are_matched_in_size_and_ranked_by_the_source():
    source, target = torch.zeros(3, 4), torch.zeros(3, 4)
    source[0] = torch.tensor([0.9, 0.8, 0.7, 0.6])
    target[0, 1:] = 0.5
    target[2, 0] = 0.5
    arms = patch_arms(target, source, threshold=0.1)
    assert arms.complement == [(0, 0)] and arms.intersection == [(0, 1)]
    assert len(arms.random) == 1 and arms.random[0] not in {(0, h) for h in range(4)} | {(2, 0)}
    whole = patch_arms(target, source, threshold=0.1, match_size=False)
    assert whole.intersection == [(0, 1), (0, 2), (0, 3)] and whole.sizes["pool"] == 7


def test_check_11_only_attention_is_trained(lm):
    """SmolLM2 at r = 16: 1,843,200 numbers."""
    model, count = attention_only(
        CausalLM(copy.deepcopy(lm.model), lm.tokenizer, lm.name, lm.revision), TrainConfig()
    )
    assert count == 1_843_200
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert all(
        any(f".{part}." in name for part in ("q_proj", "k_proj", "v_proj", "o_proj"))
        for name in trained
    )


TRAIN = TrainConfig(context_tokens=128, lora_r=4, lr=1e-3, batch_size=4, micro_batch=4, epochs=1)


@pytest.mark.parametrize("no_lora", [False, True])
def test_check_11_other_weights_stay_bit_identical(no_lora, toy, tmp_path):
    """After two steps; and the saved adapter gives the trained model back."""
    from dataclasses import replace

    lm = fresh(toy)
    before = {name: weight.clone() for name, weight in lm.model.state_dict().items()}
    examples = toy_examples("hh", "train", 8, context=128, facts=4)
    state = train(lm, examples, tmp_path / "a", replace(TRAIN, no_lora=no_lora), progress=False)
    assert len(state["losses"]) == 2 and state["theta"] == pytest.approx(ntk_theta(1e4, 16, 2))
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
    """Stopped after its first checkpoint, it ends where an unbroken one ends."""
    from dataclasses import replace

    from transformers import TrainerCallback

    examples = toy_examples("hh", "train", 8, context=128, facts=4)
    config = replace(TRAIN, batch_size=1, micro_batch=1, lora_dropout=0.0, epochs=10)
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
    assert len(rest["losses"]) == 80
    assert rest["losses"][-1] == pytest.approx(whole["losses"][-1], abs=1e-4)
    assert not (tmp_path / "broken" / "checkpoints").exists()


def test_examples_beyond_the_context_and_adapters_of_another_base_are_told(toy, lm, tmp_path):
    examples = toy_examples("hh", "train", 2, context=256, facts=4)
    with pytest.raises(UserError, match="--context-tokens is 128"):
        train(fresh(toy), examples, tmp_path / "a", TRAIN, progress=False)
    folder = tmp_path / "b"
    folder.mkdir()
    with pytest.raises(UserError, match=r"no train_state\.json"):
        put_on(fresh(toy), folder)
    own = {"base": toy.name, "layers": 3, "hidden_size": 64, "theta": None, "context_tokens": 64}
    (folder / "train_state.json").write_text(json.dumps(own))
    (folder / "adapter_model.bin").write_bytes(b"a pickle")
    with pytest.raises(UserError, match="safetensors"):
        put_on(fresh(toy), folder)
    state = {"base": "other", "layers": 3, "hidden_size": 64, "theta": None, "context_tokens": 64}
    (folder / "train_state.json").write_text(json.dumps(state))
    with pytest.raises(UserError, match="trained on other"):
        put_on(fresh(toy), folder)
    (folder / "train_state.json").write_text(json.dumps(state | {"hidden_size": 576}))
    with pytest.raises(UserError, match="trained on"):
        load_model(toy.name and f"hf:{toy.name}", folder)


def test_check_12_part_a(lm, planted):
    """Twenty planted prompts on SmolLM2: the heads, and what knocking them out does.

    In scope "decode", where one prefill serves all settings; `reproduce` prints both scopes.
    """
    scores = detect(lm.model, lm.tokenizer, planted)
    assert 10 <= int(head_set(scores).sum()) <= 60
    best = {entry[:2] for entry in ranked(scores)[:8]}
    assert {(18, 6), (23, 2)} <= best
    settings = settings_for(scores.mean, [0, 10], [0, 1, 2], threshold=0.1)
    results = sweep(lm.model, lm.tokenizer, planted, settings, scope="decode", answers=False)
    accuracy = {(r.setting.arm, r.setting.seed, r.setting.k): r.mean(r.accuracy) for r in results}
    base = accuracy["top", 0, 0]
    random = sum(accuracy["random", seed, 10] for seed in range(3)) / 3
    assert base >= 0.75
    assert accuracy["top", 0, 10] <= 0.45
    assert random >= base - 0.20


def test_scopes_of_a_sweep_equal_single_runs(toy):
    """Batched settings on one prefill against one knockout at a time, F1 and accuracy."""
    toy = fresh(toy)
    extend_context(toy.model, 64, None)
    examples = toy_examples("real-full", "test", 6, context=60, facts=3)
    scores = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    settings = settings_for(scores, [0, 2], [0], threshold=2)
    for scope in ("all", "decode"):
        together = sweep(toy.model, toy.tokenizer, examples, settings, scope=scope)
        for result, setting in zip(together, settings, strict=True):
            alone = sweep(toy.model, toy.tokenizer, examples, [setting], scope=scope)[0]
            assert result.f1 == alone.f1 and result.accuracy == pytest.approx(alone.accuracy)
    with knockout(toy.model, settings[1].heads, scope="decode"):
        from retrievalheads.decoding.answers import evaluate

        graded = evaluate(toy, examples, share_prefix=False)
    assert graded.per_example() == pytest.approx(together[1].f1)
