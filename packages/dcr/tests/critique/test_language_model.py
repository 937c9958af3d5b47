import json

import pytest
from dcr.critique.language_model import LanguageModel, base_and_adapter
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.testing import tiny_checkpoint


def test_credentials_of_an_address_reach_no_file():
    with LanguageModel.open("openai:m@http://me:secret@localhost:1/v1", cache=False) as model:
        assert model.name == "openai:m@http://localhost:1/v1"


def test_the_folder_of_an_adapter_names_its_base(tmp_path):
    config = tmp_path / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": "some/base"}))
    spec = f"vllm:{tmp_path}?max_model_len=512"
    assert base_and_adapter(spec) == ("vllm:some/base?max_model_len=512", str(tmp_path))
    assert base_and_adapter(str(tmp_path)) == ("hf:some/base", str(tmp_path))
    assert base_and_adapter("hf:some/base") == ("hf:some/base", "")
    config.write_text("{}")
    with pytest.raises(UserError, match="names no base model"):
        LanguageModel.open(str(tmp_path))


def test_an_adapter_answers_in_place_of_its_base(tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base, adapter = tiny_checkpoint(tmp_path / "base", num_hidden_layers=1), tmp_path / "adapter"
    settings = LoraConfig(
        target_modules=["q_proj", "v_proj"], init_lora_weights=False, lora_alpha=64
    )
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings).save_pretrained(adapter)
    request = Request(id="a", prompt="Ann ran home.", sampling=Sampling(max_tokens=8))
    said = {}
    for spec in (base, adapter):
        with LanguageModel.open(str(spec), cache=False) as model:
            assert model.identity == LanguageModel.identity_of(str(spec))
            (done,) = model.stream([request])
            assert not done.failed
            said[spec] = done.text
    assert said[base] != said[adapter]
