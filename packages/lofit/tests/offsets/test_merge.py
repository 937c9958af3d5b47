import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.merge import merge, mergeability
from tenpapers.errors import UserError
from tenpapers.models import Head
from tenpapers.models.families import FAMILIES as TABLE
from tenpapers.testing import tiny_model

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
    "gpt_neox without biases": ("gpt_neox", {"attention_bias": False}),
    "cohere": ("cohere", {"num_key_value_heads": 2, "logit_scale": 0.5}),
    "cohere2": ("cohere2", {"num_key_value_heads": 2, "logit_scale": 0.5}),
    "granite": ("granite", {"num_key_value_heads": 2, "logits_scaling": 3.0}),
    "olmo": ("olmo", {"num_key_value_heads": 4}),
    "olmo2": ("olmo2", {"num_key_value_heads": 4}),
    "olmo3": ("olmo3", {"num_key_value_heads": 4}),
    "qwen3_moe": (
        "qwen3_moe",
        {"num_key_value_heads": 2, "head_dim": 16, "num_experts": 2, "num_experts_per_tok": 1},
    ),
    "gpt_oss": (
        "gpt_oss",
        {"num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 4},
    ),
    "smollm3": ("smollm3", {"num_key_value_heads": 2}),
    "starcoder2": ("starcoder2", {"num_key_value_heads": 2}),
}


def test_every_family_whose_projection_can_have_a_bias_is_tested():
    possible = {kind for kind, family in TABLE.items() if family.bias != "none"}
    assert possible == {kind for kind, _ in FAMILIES.values()}


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
    from transformers import AutoModelForCausalLM

    kind, more = FAMILIES[name]
    model = tiny_model(kind, **more)
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
    from transformers import AutoModelForCausalLM

    more = {"sliding_window": None} if kind == "mistral" else {}
    model = tiny_model(kind, num_key_value_heads=2, **more)
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
    model = tiny_model("mistral", num_key_value_heads=2, sliding_window=8)
    with pytest.raises(UserError, match="sliding window of 8 tokens"):
        merge(model, offsets(model), to_llama=True)


@pytest.mark.parametrize(
    "name",
    ["llama-mha", "gpt2", "gpt_neox", "gpt_neox without biases", "opt", "phi", "qwen2", "olmo"],
)
def test_the_value_bias_does_the_same(name):
    kind, more = FAMILIES.get(name, ("qwen2", {"num_key_value_heads": 4}))
    model = tiny_model(kind, **more)
    adapter = offsets(model)
    apart, moved = difference(model, adapter, merge(model, adapter, via="v_proj"))
    assert apart <= 1e-4 and moved > 1e-2


def test_values_that_are_clipped_behind_their_bias_are_refused():
    model = tiny_model("olmo", num_key_value_heads=4, clip_qkv=8.0)
    with pytest.raises(UserError, match="olmo: clips its values; merge with --via o_proj"):
        merge(model, offsets(model), via="v_proj")


@pytest.mark.parametrize("to_llama", [False, True])
def test_a_merge_makes_no_second_model(to_llama):
    """What it does not touch are the very tensors of the base."""
    kind, more = ("qwen2", {"to_llama": True}) if to_llama else ("llama", {})
    model = tiny_model(kind, num_key_value_heads=2)
    merged = merge(model, offsets(model), **more)
    base = {parameter.data_ptr() for parameter in model.parameters()}
    own = [name for name, p in merged.named_parameters() if p.data_ptr() not in base]
    assert own and all(name.endswith(".bias") for name in own)


def test_a_base_with_settings_of_sampling_but_no_sampling_can_be_saved(tmp_path):
    model = tiny_model("llama")
    model.generation_config.temperature = 0.6
    merge(model, offsets(model)).save_pretrained(tmp_path)
    assert model.generation_config.temperature == 0.6


def test_what_cannot_be_merged_is_one_line():
    from peft import LoraConfig, get_peft_model

    model = tiny_model("llama")
    adapter = offsets(model)
    wrapped = get_peft_model(model, LoraConfig(target_modules=["q_proj"]))
    with pytest.raises(UserError, match="peft's wrapper; merge_and_unload"):
        merge(wrapped, adapter)
    spread = tiny_model("llama")
    spread.model.layers[3].to("meta")
    with pytest.raises(UserError, match="spread over devices"):
        merge(spread, adapter)


def test_shared_value_heads_need_one_offset_for_the_group():
    """GQA refuses the value route unless the group's offsets are equal."""
    model = tiny_model("llama", num_key_value_heads=2)
    with pytest.raises(UserError, match="2 query heads share a value head"):
        merge(model, offsets(model), via="v_proj")
    same = torch.randn(1, 16).repeat(2, 1)
    adapter = LofitAdapter.for_model(model.config, [Head(1, 2), Head(1, 3)], same)
    apart, moved = difference(model, adapter, merge(model, adapter, via="v_proj"))
    assert apart <= 1e-4 and moved > 1e-2


def test_the_verdict_of_each_family():
    assert mergeability("llama").vllm and mergeability("gpt2").vllm
    assert mergeability("gemma").transformers and not mergeability("gemma").vllm
    assert mergeability("gemma").how.endswith("vLLM reads none there: transformers only")
    assert "--to-llama" in mergeability("qwen2").how
    assert not mergeability("phi3").transformers
