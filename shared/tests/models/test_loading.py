import pytest
import torch
from tenpapers.errors import UserError
from tenpapers.models import embedded_path, load_causal_lm, load_tokenizer, parse_spec
from tenpapers.models.identity import model_identity
from tenpapers.testing import tiny_model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny Llama in bfloat16, with a tokenizer that has no pad token."""
    folder = tmp_path_factory.mktemp("checkpoint")
    tiny_model("llama", vocab_size=49152).to(torch.bfloat16).save_pretrained(folder)
    tokenizer = load_tokenizer("smollm2")
    tokenizer.pad_token = None
    tokenizer.padding_side = "right"
    tokenizer.save_pretrained(folder)
    return folder


def test_a_model_comes_ready_to_decode(checkpoint):
    """Float32 on a CPU, in eval mode, padded on the left with a token that is there already."""
    lm = load_causal_lm(f"hf:{checkpoint}", device="cpu")
    assert lm.model.dtype == torch.float32 and not lm.model.training
    assert lm.tokenizer.padding_side == "left"
    assert lm.tokenizer.pad_token == lm.tokenizer.eos_token
    assert lm.model.get_input_embeddings().num_embeddings == 49152
    assert (lm.name, lm.context) == (str(checkpoint), 2048)
    assert lm.identity == model_identity(f"hf:{checkpoint}", dtype="float32")


@pytest.mark.parametrize(
    ("spec", "given", "dtype"),
    [
        ("?dtype=bfloat16", {}, torch.bfloat16),
        ("?dtype=bfloat16", {"dtype": "float16"}, torch.float16),  # an argument wins
        ("?device=cpu", {}, torch.float32),
        ("?device=nowhere", {"device": "cpu"}, torch.float32),
        ("?device=auto", {}, torch.float32),
        ("", {"device": "cpu", "dtype": "auto"}, torch.bfloat16),  # as the checkpoint has it
    ],
)
def test_dtype_and_device_come_from_the_spec_or_beside_it(
    checkpoint, spec, given, dtype, monkeypatch
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    lm = load_causal_lm(parse_spec(f"hf:{checkpoint}{spec}"), **given)
    assert (lm.model.dtype, lm.model.device.type) == (dtype, "cpu")


@pytest.mark.parametrize(
    ("spec", "given", "told"),
    [
        ("hf:{}/nothing", {}, "no such folder"),
        ("hf:x?dtype=float99", {}, "unknown dtype 'float99'; float32, bfloat16 or float16"),
        ("hf:{}", {"dtype": "float99"}, "unknown dtype 'float99'"),
        ("hf:{}?device=nowhere", {}, "device 'nowhere'"),
        ("openai:m@http://h", {}, "needs the weights in process; use an hf: spec"),
    ],
)
def test_a_model_that_cannot_be_had_is_told_in_one_line(checkpoint, spec, given, told):
    with pytest.raises(UserError) as error:
        load_causal_lm(spec.format(checkpoint), **given)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_folder_without_a_model_is_told_in_one_line(tmp_path):
    with pytest.raises(UserError) as error:
        load_causal_lm(f"hf:{tmp_path}")
    assert "cannot be loaded" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "spec", ["smollm2", "vllm:smollm2?dtype=float32", "ray:hf:smollm2?workers=2"]
)
def test_the_tokenizer_of_every_spec_that_has_weights(spec):
    assert load_tokenizer(spec)("Hello", return_tensors="pt")["input_ids"].tolist() == [[19556]]


def test_the_tokenizer_of_a_folder():
    assert load_tokenizer(str(embedded_path("smollm2"))).eos_token == "<|im_end|>"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("openai:m@http://h", "has no tokenizer here; pass --tokenizer FOLDER or smollm2"),
        ("replay:r.jsonl", "has no tokenizer here"),
        ("ray:openai:m", "has no tokenizer here"),
        ("/no/such/folder", "tokenizer /no/such/folder: cannot be loaded"),
    ],
)
def test_a_tokenizer_that_cannot_be_had_is_told_in_one_line(spec, told):
    with pytest.raises(UserError) as error:
        load_tokenizer(spec)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_model_that_caps_its_attention_logits_is_loaded_so_that_it_does(tmp_path):
    """With SDPA, transformers' default, the cap of 0.5 would be left out."""
    model = tiny_model("gemma2", num_key_value_heads=2, head_dim=8, attn_logit_softcapping=0.5)
    model.set_attn_implementation("eager")
    model.save_pretrained(tmp_path)
    load_tokenizer("smollm2").save_pretrained(tmp_path)
    ids = torch.arange(3, 20)[None]
    with torch.inference_mode():
        wanted, loaded = model(ids).logits, load_causal_lm(f"hf:{tmp_path}").model(ids).logits
        model.set_attn_implementation("sdpa")
        assert torch.equal(loaded, wanted) and not torch.allclose(model(ids).logits, wanted)
