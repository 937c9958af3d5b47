import pytest
from tenpapers.models import AttentionLayout, Head, HeadGeometry, UnsupportedModelError
from tenpapers.models.families import FAMILIES as TABLE
from tenpapers.models.layout import set_o_proj_pattern
from tenpapers.testing import tiny_model

LLAMA = r"model\.layers\.\d+\.self_attn\.o_proj"
O_PROJ = "model.layers.1.self_attn.o_proj"
# Of every family: options, key-value heads, width of a head, and layer 1's output projection.
FAMILIES = {
    "llama": ({}, 4, 16, O_PROJ),
    "mistral": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "mixtral": ({"num_key_value_heads": 2, "num_local_experts": 2}, 2, 16, O_PROJ),
    "qwen2": ({"num_key_value_heads": 1}, 1, 16, O_PROJ),
    "qwen3": ({"num_key_value_heads": 2, "head_dim": 32}, 2, 32, O_PROJ),
    "gemma": ({"num_key_value_heads": 4, "head_dim": 32}, 4, 32, O_PROJ),
    "gemma2": ({"num_key_value_heads": 2, "head_dim": 8}, 2, 8, O_PROJ),
    "gemma3_text": ({"num_key_value_heads": 2, "head_dim": 32}, 2, 32, O_PROJ),
    "cohere": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "cohere2": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "glm": ({"num_key_value_heads": 2, "head_dim": 16}, 2, 16, O_PROJ),
    "gpt_oss": (
        {"num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 2},
        2,
        16,
        O_PROJ,
    ),
    "glm4": ({"num_key_value_heads": 2, "head_dim": 16}, 2, 16, O_PROJ),
    "granite": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "olmo": ({}, 4, 16, O_PROJ),
    "olmo2": ({}, 4, 16, O_PROJ),
    "olmo3": ({}, 4, 16, O_PROJ),
    "qwen3_moe": ({"num_key_value_heads": 2, "num_experts": 2, "head_dim": 16}, 2, 16, O_PROJ),
    "smollm3": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "stablelm": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "starcoder2": ({"num_key_value_heads": 2}, 2, 16, O_PROJ),
    "phi3": ({}, 4, 16, O_PROJ),
    "phi": ({}, 4, 16, "model.layers.1.self_attn.dense"),
    "gpt2": ({}, 4, 16, "transformer.h.1.attn.c_proj"),
    "gpt_neox": ({}, 4, 16, "gpt_neox.layers.1.attention.dense"),
    "opt": (
        {"ffn_dim": 96, "word_embed_proj_dim": 64},
        4,
        16,
        "model.decoder.layers.1.self_attn.out_proj",
    ),
}


@pytest.fixture(scope="module")
def llama():
    return tiny_model("llama")


def test_every_family_of_the_table_is_tested():
    assert set(FAMILIES) == set(TABLE)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layout_of_every_family(family):
    config, n_kv_heads, head_dim, name = FAMILIES[family]
    model = tiny_model(family, **config)
    layout = AttentionLayout.from_model(model)
    assert layout.geometry == HeadGeometry(
        model_type=family,
        n_layers=4,
        n_heads=4,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        hidden_size=64,
    )
    projection = layout.projection(1)
    assert (projection.name, projection.module) == (name, model.get_submodule(name))
    assert projection.weight().shape == (64, 4 * head_dim)
    block = name.rpartition(".")[0].rpartition(".")[0]
    assert layout.layers[1] is model.get_submodule(block)
    assert layout.attention_layers == [0, 1, 2, 3]
    assert layout.family == TABLE[family]
    layer, known = layout.layers[1], layout.family
    for part in (known.values, known.mlp):
        layer.get_submodule(part)
    switched = biased_by_a_switch(family, config, name)
    own = "none" if projection.module.bias is None else "own"
    assert known.bias == ("switch" if switched else own)


def biased_by_a_switch(family, config, name):
    """Whether `attention_bias` gives the projection a bias that it does not have by itself."""
    if "attention_bias" not in tiny_model(family, **config).config.to_dict():
        return False
    plain, switched = (
        tiny_model(family, **config, attention_bias=value).get_submodule(name).bias
        for value in (False, True)
    )
    return plain is None and switched is not None


def test_the_text_part_of_a_model_that_reads_pictures_too():
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4}
    text = sizes | {"num_hidden_layers": 2, "num_key_value_heads": 2, "head_dim": 32}
    config = Gemma3Config(
        text_config=text | {"vocab_size": 300},
        vision_config=sizes | {"num_hidden_layers": 2, "image_size": 28, "patch_size": 14},
    )
    layout = AttentionLayout.from_model(Gemma3ForConditionalGeneration(config))
    assert layout.geometry == HeadGeometry("gemma3_text", 2, 4, 2, 32, 64)
    assert layout.projection(1).name == "model.language_model.layers.1.self_attn.o_proj"
    assert layout.family == TABLE["gemma3_text"]


def test_a_model_in_pefts_wrapper(llama):
    from peft import LoraConfig, get_peft_model

    wrapped = get_peft_model(tiny_model("llama"), LoraConfig(target_modules=["o_proj"]))
    layout = AttentionLayout.from_model(wrapped)
    assert layout.projection(1).name == O_PROJ
    plain = AttentionLayout.from_model(llama).projection(1)
    assert layout.projection(1).weight().equal(plain.weight())


def test_gpt2_keeps_its_weight_turned_round():
    layout = AttentionLayout.from_model(tiny_model("gpt2"))
    projection = layout.projection(0)
    assert projection.kind == "conv1d"
    assert projection.weight().equal(projection.module.weight.T)


def test_heads_are_listed_by_layer_and_number(llama):
    heads = AttentionLayout.from_model(llama).all_heads()
    assert heads[:5] == [Head(0, 0), Head(0, 1), Head(0, 2), Head(0, 3), Head(1, 0)]
    assert len(heads) == 16


def test_a_width_that_does_not_fit_names_both_numbers(llama, monkeypatch):
    monkeypatch.setattr(llama.config, "num_attention_heads", 5)
    monkeypatch.setattr(llama.config, "head_dim", 16)
    with pytest.raises(UnsupportedModelError, match="takes 64 numbers, 5 heads of 16 are 80"):
        AttentionLayout.from_model(llama)


def test_an_unknown_family_needs_a_pattern(llama, monkeypatch):
    monkeypatch.setattr(llama.config, "model_type", "novel")
    with pytest.raises(UnsupportedModelError, match="novel: unknown architecture; pass --o-proj"):
        AttentionLayout.from_model(llama)
    layout = AttentionLayout.from_model(llama, o_proj_pattern=LLAMA)
    assert layout.attention_layers == [0, 1, 2, 3]
    assert layout.layers[2] is llama.model.layers[2]
    assert (layout.family.bias, layout.family.restartable) == ("none", False)


def test_a_pattern_is_written_into_the_configuration_once_it_works(llama, monkeypatch):
    monkeypatch.setattr(llama.config, "model_type", "novel")
    with pytest.raises(UnsupportedModelError, match="matches no module"):
        set_o_proj_pattern(llama, "nothing")
    set_o_proj_pattern(llama, LLAMA)
    assert AttentionLayout.from_model(llama).attention_layers == [0, 1, 2, 3]
    del llama.config.o_proj_pattern
    with pytest.raises(UnsupportedModelError, match="unknown architecture"):
        AttentionLayout.from_model(llama)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "not a regular expression"),
        ("nothing", "matches no module"),
        (r"lm_head", "lm_head: matches --o-proj-pattern but is in no layer"),
        (r".*\.(q|o)_proj", r"layer 0: --o-proj-pattern matches .*q_proj and .*o_proj"),
    ],
)
def test_a_pattern_that_does_not_work_is_told(llama, pattern, told):
    with pytest.raises(UnsupportedModelError, match=told):
        AttentionLayout.from_model(llama, o_proj_pattern=pattern)


def test_a_layer_without_attention_keeps_its_number(llama):
    layout = AttentionLayout.from_model(llama, o_proj_pattern=LLAMA.replace(r"\d+", "[03]"))
    assert layout.attention_layers == [0, 3]
    assert [head.layer for head in layout.all_heads()] == [0] * 4 + [3] * 4
    with pytest.raises(UnsupportedModelError, match="layer 1 has no softmax attention"):
        layout.projection(1)
