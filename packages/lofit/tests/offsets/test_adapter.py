import json

import pytest
import torch
from lofit.heads.ranking import AdapterMismatchError
from lofit.offsets.adapter import LofitAdapter
from tenpapers.models import Head, HeadGeometry
from tenpapers.testing import tiny_model


def test_an_adapter_survives_its_folder_and_refuses_another_model(tmp_path):
    model = tiny_model("llama")
    adapter = LofitAdapter.for_model(
        model.config, [Head(2, 1), Head(0, 3)], torch.randn(2, 16), task="mquake", scores=[2.0, 1.0]
    )
    adapter.save(tmp_path)
    again = LofitAdapter.load(tmp_path)
    assert torch.equal(again.values, adapter.values) and again.heads == adapter.heads
    assert again.digest() == adapter.digest() and again.task == "mquake"
    assert {p.name for p in tmp_path.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "README.md",
    }
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["peft_type"] == "LOFIT" and config["insertion"] == "o_proj_input"
    with pytest.raises(AdapterMismatchError, match="num_heads 4 != 8"):
        again.attach(tiny_model("llama", num_attention_heads=8))


def test_the_papers_adapter_is_under_20_kb(tmp_path):
    """K = 32, d = 128."""
    shape = HeadGeometry("llama", 32, 32, 32, 128, 4096)
    heads = [Head(i, i) for i in range(32)]
    LofitAdapter(heads, torch.randn(32, 128), shape).save(tmp_path)
    assert (tmp_path / "adapter_model.safetensors").stat().st_size < 20_000
