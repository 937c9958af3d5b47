import pytest
import torch
from lofit.heads.ranking import AdapterMismatchError
from lofit.offsets.adapter import LofitAdapter
from lofit.offsets.base_model import record_base
from lofit.offsets.merge import merge
from lofit.serving.lofit_model import LofitModel
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, Head, load_causal_lm
from tenpapers.testing import tiny_model


def test_an_adapter_that_does_nothing_leaves_every_bit():
    model = tiny_model("llama", num_key_value_heads=2)
    ids = torch.arange(3, 15)[None]
    base = model(ids).logits
    keys = list(model.state_dict())
    heads = [Head(1, 2), Head(3, 0)]
    zero = LofitAdapter.for_model(model.config, heads, torch.zeros(2, 16))
    nothing = LofitModel(model, zero)
    assert torch.equal(nothing(ids).logits, base)
    nothing.detach()
    adapted = LofitModel(model, LofitAdapter.for_model(model.config, heads, torch.ones(2, 16)))
    assert not torch.equal(adapted(ids).logits, base)
    adapted.set_scale(0)
    assert torch.equal(adapted(ids).logits, base)
    adapted.set_scale(1)
    with adapted.disable_adapter():
        assert torch.equal(adapted(ids).logits, base)
    assert not torch.equal(adapted(ids).logits, base)
    assert list(model.state_dict()) == keys
    module = AttentionLayout.from_model(model).projection(1).module
    assert len(module._forward_hooks) == 1
    adapted.detach()
    assert not module._forward_hooks and not module._forward_pre_hooks


def test_a_wrapped_model_generates_and_saves(tmp_path):
    model = tiny_model("llama")
    adapter = LofitAdapter.for_model(model.config, [Head(3, 1)], 3 * torch.ones(1, 16))
    adapted = LofitModel(model, adapter)
    ids = torch.tensor([[5, 6, 7]])
    made = adapted.generate(ids, max_new_tokens=3, do_sample=False, pad_token_id=0)
    assert made.shape[0] == 1 and adapted.config is model.config and adapted.device.type == "cpu"
    adapted.save_pretrained(tmp_path / "a")
    first = adapted(ids).logits
    again = LofitModel.from_pretrained(adapted.detach(), tmp_path / "a")
    assert torch.equal(again(ids).logits, first)
    merged = again.merge_and_unload()
    assert torch.allclose(merged(ids).logits, first, atol=1e-5)


IDS = torch.arange(3, 15)[None]


def wrapped(kind="llama"):
    model = tiny_model(kind, num_key_value_heads=2)
    adapter = LofitAdapter.for_model(model.config, [Head(3, 1)], 3 * torch.ones(1, 16))
    return model, adapter, LofitModel(model, adapter)


def test_a_merge_keeps_the_strength_that_was_set():
    _, _, adapted = wrapped()
    adapted.set_scale(0.5)
    half = adapted(IDS).logits
    assert torch.allclose(adapted.merge_and_unload()(IDS).logits, half, atol=1e-5)


def test_a_refused_merge_leaves_the_adapter_on():
    _, _, adapted = wrapped("qwen2")
    adapted.set_scale(0.5)
    before = adapted(IDS).logits
    with pytest.raises(UserError, match="to-llama"):
        adapted.merge_and_unload()
    assert torch.equal(adapted(IDS).logits, before)


def folder_of(tmp_path, spec, name, heads, value):
    lm = load_causal_lm(spec)
    values = torch.full((len(heads), 16), value)
    adapter = LofitAdapter.for_model(lm.model.config, heads, values, task=name)
    adapter.save(tmp_path / name)
    record_base(tmp_path / name, lm, chat=False)
    return tmp_path / name


def test_an_adapter_brings_its_base(tiny_spec, tmp_path):
    folder = folder_of(tmp_path, tiny_spec, "a", [Head(3, 1)], 3.0)
    adapted = LofitModel.from_pretrained(folder)
    base = load_causal_lm(tiny_spec).model
    with LofitAdapter.load(folder).attach(base), torch.no_grad():
        assert torch.equal(adapted(IDS).logits, base(IDS).logits)
    assert adapted.tokenizer("hi")["input_ids"]
    assert adapted.base_model.dtype == torch.float32
    half = LofitModel.from_pretrained(str(folder), dtype="bfloat16", device="auto")
    assert half.base_model.dtype == torch.bfloat16
    with pytest.raises(UserError, match="no/such: no such folder, and not on the hub"):
        LofitModel.from_pretrained("no/such")
    with pytest.raises(UserError, match="which adapter"):
        LofitModel.from_pretrained(base)


def test_several_adapters_add_up_with_their_weights(tiny_spec, tmp_path):
    """Two on head 3.1 and one of them on 1.0 too: 3 + 0.5 * 2 = 4, and 0.5 * 2 = 1."""
    first = folder_of(tmp_path, tiny_spec, "a", [Head(3, 1)], 3.0)
    second = folder_of(tmp_path, tiny_spec, "b", [Head(1, 0), Head(3, 1)], 2.0)
    adapted = LofitModel.from_pretrained(first)
    adapted.load_adapter(second, weight=0.5)
    assert adapted.adapter.heads == [Head(3, 1), Head(1, 0)]
    assert adapted.adapter.values[:, 0].tolist() == [4.0, 1.0]
    assert adapted.adapter.task == "a+b"
    hooked = adapted(IDS).logits
    assert torch.allclose(adapted.merge_and_unload()(IDS).logits, hooked, atol=1e-5)


def test_an_adapter_of_a_checkpoint_with_other_weights_is_refused(tiny_spec, tmp_path):
    """Same family, same shape: only the content of the checkpoint tells."""
    folder = folder_of(tmp_path, tiny_spec, "a", [Head(3, 1)], 3.0)
    other = load_causal_lm(tiny_spec).model
    other.model.norm.weight.data += 1
    other.save_pretrained(tmp_path / "other")
    loaded = load_causal_lm(tiny_spec).model
    LofitModel.from_pretrained(loaded, folder).detach()
    changed = type(loaded).from_pretrained(tmp_path / "other")
    with pytest.raises(AdapterMismatchError, match="belongs to other weights"):
        LofitModel.from_pretrained(changed, folder)


def test_a_model_in_pefts_wrapper_takes_an_adapter():
    from peft import LoraConfig, get_peft_model

    _, adapter, adapted = wrapped()
    expected = adapted(IDS).logits
    wrapper = get_peft_model(adapted.detach(), LoraConfig(r=2, target_modules=["o_proj"]))
    again = LofitModel(wrapper, adapter)
    assert torch.allclose(again(IDS).logits, expected, atol=1e-5)
    with pytest.raises(UserError, match="peft's wrapper"):
        again.merge_and_unload()
    assert torch.allclose(again(IDS).logits, expected, atol=1e-5)


def test_two_adapters_never_add_up_and_hooks_are_not_merged():
    model, adapter, adapted = wrapped()
    with pytest.raises(UserError, match="carries hooks"):
        LofitModel(model, adapter)
    with pytest.raises(UserError, match="carries hooks"):
        merge(model, adapter)
    LofitModel(adapted.detach(), adapter)


def test_an_adapter_of_another_family_of_the_same_shape_is_refused():
    _, adapter, _ = wrapped()
    with pytest.raises(AdapterMismatchError, match="made for llama, not mistral"):
        adapter.attach(tiny_model("mistral", num_key_value_heads=2))
