"""Merged checkpoints against the hooked model."""

import json

import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.merge import merge, mergeability
from lofit.offsets.merge_check import PROMPTS, verify_merge
from tenpapers.errors import UserError
from tenpapers.models import Head

from .conftest import tiny

FAMILIES = {
    "llama-mha": ("llama", {"num_key_value_heads": 4}),
    "llama-gqa": ("llama", {"num_key_value_heads": 2}),
    "gpt2": ("gpt2", {"n_positions": 64}),
    "gemma2": ("gemma2", {"num_key_value_heads": 2, "head_dim": 32}),
    "gemma": ("gemma", {"num_key_value_heads": 4, "head_dim": 32}),
    "gemma3": ("gemma3_text", {"num_key_value_heads": 2, "head_dim": 32}),
    "qwen3": ("qwen3", {"num_key_value_heads": 2, "head_dim": 32}),
    "opt": ("opt", {"ffn_dim": 96, "word_embed_proj_dim": 64}),
    "phi": ("phi", {}),
    "gpt_neox": ("gpt_neox", {}),
}
IDS = torch.arange(3, 23)[None]
HEADS = [Head(3, 1), Head(0, 2), Head(3, 0), Head(2, 3)]


def offsets(model, **more):
    width = LofitAdapter.for_model(model.config, HEADS, torch.zeros(4, 1)).geometry.head_dim
    values = torch.randn(4, width, generator=torch.Generator().manual_seed(5))
    return LofitAdapter.for_model(model.config, HEADS, values, **more)


def difference(model, adapter, merged):
    with torch.no_grad():
        with adapter.attach(model):
            hooked = model(IDS).logits
        return (merged(IDS).logits - hooked).abs().max(), (
            merged(IDS).logits - model(IDS).logits
        ).abs().max()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("component", ["offset", "scale"])
def test_merged_equals_hooked_and_loads_plainly(name, component, tmp_path):
    """Checks 9 and 10."""
    from transformers import AutoModelForCausalLM

    kind, more = FAMILIES[name]
    model = tiny(kind, **more)
    adapter = offsets(model)
    if component == "scale":
        shape = (4, 4, adapter.geometry.head_dim)
        adapter = LofitAdapter.for_model(
            model.config,
            HEADS,
            torch.randn(shape, generator=torch.Generator().manual_seed(5)),
            component="scale",
        )
    before = {n: v.clone() for n, v in model.state_dict().items()}
    merged = merge(model, adapter)
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())
    apart, moved = difference(model, adapter, merged)
    assert apart <= 1e-4
    merged.save_pretrained(tmp_path)
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    apart, moved = difference(model, adapter, reloaded)
    assert apart <= 1e-4 and moved > 100 * 1e-4


@pytest.mark.parametrize("kind", ["qwen2", "mistral"])
def test_families_without_the_bias_become_a_llama(kind, tmp_path):
    """Check 10."""
    from transformers import AutoModelForCausalLM

    more = {"sliding_window": None} if kind == "mistral" else {}
    model = tiny(kind, num_key_value_heads=2, **more)
    adapter = offsets(model)
    with pytest.raises(UserError, match="to-llama"):
        merge(model, adapter)
    merged = merge(model, adapter, to_llama=True)
    assert merged.config.model_type == "llama"
    merged.save_pretrained(tmp_path)
    apart, moved = difference(model, adapter, AutoModelForCausalLM.from_pretrained(tmp_path).eval())
    assert apart <= 1e-4 and moved > 100 * 1e-4
    zero = LofitAdapter.for_model(model.config, HEADS, torch.zeros(4, 16))
    with torch.no_grad():
        same = merge(model, zero, to_llama=True)(IDS).logits - model(IDS).logits
    assert same.abs().max() <= 1e-6


def test_an_active_sliding_window_is_refused():
    model = tiny("mistral", num_key_value_heads=2, sliding_window=8)
    with pytest.raises(UserError, match="sliding window of 8 tokens"):
        merge(model, offsets(model), to_llama=True)


@pytest.mark.parametrize("name", ["llama-mha", "gpt2", "opt", "phi", "qwen2"])
def test_the_value_bias_does_the_same(name):
    """Check 9, second identity."""
    kind, more = FAMILIES.get(name, ("qwen2", {"num_key_value_heads": 4}))
    model = tiny(kind, **more)
    adapter = offsets(model)
    apart, moved = difference(model, adapter, merge(model, adapter, via="v_proj"))
    assert apart <= 1e-4 and moved > 1e-2


def test_shared_value_heads_need_one_offset_for_the_group():
    """Check 9: GQA refuses the value route unless the group's offsets are equal."""
    model = tiny("llama", num_key_value_heads=2)
    with pytest.raises(UserError, match="2 query heads share a value head"):
        merge(model, offsets(model), via="v_proj")
    same = torch.randn(1, 16).repeat(2, 1)
    adapter = LofitAdapter.for_model(model.config, [Head(1, 2), Head(1, 3)], same)
    apart, moved = difference(model, adapter, merge(model, adapter, via="v_proj"))
    assert apart <= 1e-4 and moved > 1e-2


def test_refusals_say_why_and_what_to_do():
    """Check 22: families without a bias, ITI's last-token scope."""
    for kind in ("olmo2", "phi3"):
        model = tiny(kind, num_key_value_heads=4)
        with pytest.raises(UserError, match=f"{kind}: its projection has no bias.*LofitModel"):
            merge(model, offsets(model))
    model = tiny("llama")
    iti = offsets(model, method="iti", positions="last")
    with pytest.raises(UserError, match="last token only.*--all-positions"):
        merge(model, iti)
    everywhere = merge(model, iti, all_positions=True)
    report = verify_with(model, iti, everywhere, all_positions=True)
    assert report.ok


class Letters:
    def __call__(self, text, **_):
        return {"input_ids": [3 + ord(c) % 190 for c in text]}


def verify_with(model, adapter, merged, **more):
    return verify_merge(model, adapter, merged, Letters(), **more)


def test_verification_notices_a_lost_edit_and_a_wrong_one():
    model = tiny("llama", num_key_value_heads=2)
    adapter = offsets(model)
    good = verify_with(model, adapter, merge(model, adapter))
    assert good.ok and good.greedy_agreement == 1.0 and len(PROMPTS) >= 4
    lost = verify_with(model, adapter, model)
    assert not lost.ok and lost.max_abs_change == 0.0
    wrong = merge(model, adapter)
    wrong.model.layers[0].self_attn.o_proj.bias.data += 0.5
    assert not verify_with(model, adapter, wrong).ok
    half = tiny("llama", num_key_value_heads=2).to(torch.bfloat16)
    assert verify_with(half, adapter, merge(half, adapter)).tolerance == 0.1


def test_the_verdict_of_each_family():
    assert mergeability("llama").vllm and mergeability("gpt2").vllm
    assert mergeability("gemma").transformers and not mergeability("gemma").vllm
    assert not mergeability("phi3").transformers


@pytest.fixture(scope="module")
def edited(lm, tmp_path_factory):
    """SmolLM2 with offsets on eight heads, and its merged folder."""
    draw = torch.Generator().manual_seed(7)
    heads = [Head(3 * i + 2, i) for i in range(8)]
    adapter = LofitAdapter.for_model(lm.model.config, heads, torch.randn(8, 64, generator=draw))
    folder = tmp_path_factory.mktemp("merged")
    merge(lm.model, adapter).save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)
    return adapter, folder


@pytest.mark.vllm
@pytest.mark.slow
def test_hooked_merged_and_vllm_give_the_same_text(lm, edited):
    """Check 11, the heart: sixteen greedy tokens on two prompts."""
    pytest.importorskip("vllm")
    from lofit.scoring.evaluate import intervened
    from tenpapers.generation import Generator, Request, Sampling, open_generator
    from tenpapers.generation.hf import HFBackend

    adapter, folder = edited
    sampling = Sampling(max_tokens=16)
    requests = [Request(id=str(i), prompt=PROMPTS[i], sampling=sampling) for i in range(2)]

    def texts(generator):
        return [completion.text for completion in generator.generate(requests)]

    with intervened(lm, adapter) as (hooked, _):
        by_hooks = texts(Generator(HFBackend(hooked)))
    base = texts(Generator(HFBackend(lm)))
    with open_generator(f"hf:{folder}", cache=False) as generator:
        by_weights = texts(generator)
    with open_generator(f"vllm:{folder}?max_model_len=256", cache=False) as generator:
        by_vllm = texts(generator)
    assert by_hooks == by_weights == by_vllm
    assert all(a != b for a, b in zip(by_hooks, base, strict=True))


def test_the_merged_folder_of_a_real_model(lm, edited):
    """Section 3.8: SmolLM2, merged against hooked, reloaded plainly."""
    adapter, folder = edited
    report = verify_merge(lm.model, adapter, folder, lm.tokenizer)
    assert report.ok and report.greedy_agreement == 1.0
    assert report.max_abs_logit_diff < 1e-3 < report.max_abs_change
    assert json.loads((folder / "config.json").read_text())["attention_bias"] is True
