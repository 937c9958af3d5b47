import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.merge import merge
from lofit.offsets.merge_check import PROMPTS, verify_merge
from tenpapers.errors import UserError
from tenpapers.models import Head
from tenpapers.testing import tiny_model

HEADS = [Head(3, 1), Head(0, 2), Head(3, 0), Head(2, 3)]


def offsets(model, **more):
    width = LofitAdapter.for_model(model.config, HEADS, torch.zeros(4, 1)).geometry.head_dim
    values = torch.randn(4, width, generator=torch.Generator().manual_seed(5))
    return LofitAdapter.for_model(model.config, HEADS, values, **more)


class Letters:
    bos_token_id = eos_token_id = eos_token = None

    def __call__(self, text, **_):
        return {"input_ids": [3 + ord(c) % 190 for c in text]}


def verify_with(model, adapter, merged, **more):
    return verify_merge(model, adapter, merged, Letters(), length=4, **more)


def test_refusals_say_why_and_what_to_do():
    """Families without a bias, ITI's last-token scope."""
    for kind in ("stablelm", "phi3"):
        model = tiny_model(kind, num_key_value_heads=4)
        with pytest.raises(UserError, match=f"{kind}: its projection has no bias.*LofitModel"):
            merge(model, offsets(model))
    model = tiny_model("llama")
    iti = offsets(model, method="iti", positions="last")
    with pytest.raises(UserError, match="last token only.*--all-positions"):
        merge(model, iti)
    everywhere = merge(model, iti, all_positions=True)
    report = verify_with(model, iti, everywhere, all_positions=True)
    assert report.ok


def test_verification_notices_a_lost_edit_and_a_wrong_one():
    model = tiny_model("llama", num_key_value_heads=2)
    adapter = offsets(model)
    good = verify_with(model, adapter, merge(model, adapter))
    assert good.ok and good.greedy_agreement == 1.0 and len(PROMPTS) >= 4
    lost = verify_with(model, adapter, model)
    assert not lost.ok and lost.max_abs_change == 0.0
    wrong = merge(model, adapter)
    wrong.model.layers[0].self_attn.o_proj.bias.data += 0.5
    assert not verify_with(model, adapter, wrong).ok
    half = tiny_model("llama", num_key_value_heads=2).to(torch.bfloat16)
    assert verify_with(half, adapter, merge(half, adapter)).tolerance == 0.1
    double = tiny_model("llama", num_key_value_heads=2).double()
    assert verify_with(double, adapter, merge(double, adapter)).ok
