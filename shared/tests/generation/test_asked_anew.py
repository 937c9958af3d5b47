"""Whatever makes another model of the same name is asked anew; nothing else is."""

import json

import pytest
from tenpapers.generation import CompletionCache, Request, Sampling, open_generator
from tenpapers.generation.types import Message
from tenpapers.testing import tiny_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"


def save_model(folder, seed):
    """A random model, one token a byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<end>", pad_token="<pad>", chat_template=TEMPLATE
    )
    tokenizer.save_pretrained(folder)
    tiny_model("llama", seed=seed).save_pretrained(folder)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """How many of two requests, a text and a chat, reach the model."""
    monkeypatch.chdir(tmp_path)

    def ask(spec, adapter=""):
        sampling = Sampling(max_tokens=2)
        hello = Message(role="user", content="hello")
        requests = [
            Request(id="text", prompt="hello", sampling=sampling, adapter=adapter),
            Request(id="chat", messages=(hello,), sampling=sampling, adapter=adapter),
        ]
        cache = CompletionCache(tmp_path / "c.sqlite")
        with open_generator(spec, cache=cache) as generator:
            assert not any(done.failed for done in generator.generate(requests))
            return generator.calls

    return ask


def test_weights_dtype_and_template_of_one_path_and_one_path_of_two_folders(
    asked, tmp_path, monkeypatch
):
    save_model(tmp_path / "m", seed=0)
    assert [asked("hf:./m") for _ in range(2)] == [2, 0]
    assert asked(f"hf:{tmp_path / 'm'}?device=cpu") == 0  # the same files by another name
    assert [asked("hf:./m?dtype=bfloat16") for _ in range(2)] == [2, 0]
    save_model(tmp_path / "elsewhere" / "m", seed=1)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert asked("hf:./m") == 2
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "m", seed=2)
    assert asked("hf:./m") == 2
    (tmp_path / "m" / "chat_template.jinja").write_text(f"Now: {TEMPLATE}")
    assert [asked("hf:./m") for _ in range(2)] == [2, 0]


def test_an_adapter_whose_alpha_was_edited(asked, tmp_path):
    from peft import LoraConfig, get_peft_model

    save_model(tmp_path / "m", seed=0)
    settings = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"], init_lora_weights=False)
    adapter = tmp_path / "adapter"
    get_peft_model(tiny_model("llama", seed=0), settings).save_pretrained(adapter)
    assert [asked("hf:m", str(adapter)) for _ in range(2)] == [2, 0]
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 400}))
    assert [asked("hf:m", str(adapter)) for _ in range(2)] == [2, 0]
    assert asked("hf:m") == 2
