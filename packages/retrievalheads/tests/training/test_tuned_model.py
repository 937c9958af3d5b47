"""Adapters and the bases that they belong to."""

import json

import pytest
from retrievalheads.inputs.toy.examples import toy_examples
from retrievalheads.training.attention_tuning import train
from retrievalheads.training.settings import TrainConfig
from retrievalheads.training.tuned_model import load_model, put_on
from tenpapers.errors import UserError

from ..conftest import fresh


def test_long_examples_and_adapters_of_another_base_are_told(toy, tokenizer, tmp_path):
    examples = toy_examples("hh", "train", 2, context=256, facts=4)
    with pytest.raises(UserError, match="--context-tokens is 128"):
        train(fresh(toy), examples, tmp_path / "a", TrainConfig(context_tokens=128), progress=False)
    folder = tmp_path / "b"
    folder.mkdir()
    with pytest.raises(UserError, match=r"no train_state\.json"):
        put_on(fresh(toy), folder)
    own = {"base": toy.name, "layers": 4, "hidden_size": 64, "theta": None, "context_tokens": 64}
    (folder / "train_state.json").write_text(json.dumps(own))
    (folder / "adapter_model.bin").write_bytes(b"a pickle")
    with pytest.raises(UserError, match="safetensors"):
        put_on(fresh(toy), folder)
    state = {"base": "other", "layers": 4, "hidden_size": 64, "theta": None, "context_tokens": 64}
    (folder / "train_state.json").write_text(json.dumps(state))
    with pytest.raises(UserError, match="trained on other"):
        put_on(fresh(toy), folder)
    (folder / "train_state.json").write_text(json.dumps(state | {"hidden_size": 576}))
    with pytest.raises(UserError, match="trained on"):
        load_model(toy.name and f"hf:{toy.name}", folder)
