import numpy as np
import pytest
from synthesizrr.students.features import Features, last_states


def test_features_are_computed_once_a_text(tmp_path, tiny_encoder):
    made = Features(str(tiny_encoder), tmp_path)
    first = made(["one", "two", "one"])
    assert np.array_equal(first[0], first[2])
    again = Features(str(tiny_encoder), tmp_path)
    again._compute = None  # reading from disk must do
    assert np.array_equal(again(["two", "one"]), first[[1, 0]])


def test_features_of_a_causal_model_are_its_last_tokens(tmp_path, tokenizer):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=64,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    texts = ["a much longer text than the other one", "short"]
    found = last_states(texts, f"hf:{tmp_path}")
    model = GPT2Model.from_pretrained(tmp_path).eval()
    for text, row in zip(texts, found, strict=True):
        with torch.inference_mode():
            ids = torch.tensor([tokenizer(text)["input_ids"]])
            wanted = model(ids).last_hidden_state[0, -1].numpy()
        assert row == pytest.approx(wanted, abs=1e-5)
