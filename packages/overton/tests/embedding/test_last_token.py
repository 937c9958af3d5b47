import numpy as np
import pytest
import torch
from overton.embedding.embedded_files import embed_file
from overton.embedding.instructions import instructed
from overton.embedding.last_token import LastTokenEncoder, reads_last_token
from overton.embedding.vectors import TextVectors
from tenpapers.testing import byte_tokenizer, tiny_model, write_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint of the paper's encoder's architecture, with random weights."""
    folder = tmp_path_factory.mktemp("models") / "tiny-e5-mistral-instruct"
    tiny_model("mistral", num_key_value_heads=2).model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


def alone(folder, ids):
    """The unit vector of the last of some tokens, by transformers, one text at a time."""
    model = LastTokenEncoder.load(str(folder)).model
    with torch.inference_mode():
        last = model(torch.tensor([ids]))[0][0, -1].numpy()
    return last / np.linalg.norm(last)


def test_a_text_is_read_at_the_pad_token_behind_it(folder):
    texts = ["a red car", "sea", "a much longer text about the sea and the sky"]
    vectors = TextVectors(str(folder), cache=False).of(texts)
    tokenizer = byte_tokenizer()
    for text, vector in zip(texts, vectors, strict=True):
        ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.pad_token_id]
        assert vector == pytest.approx(alone(folder, ids), abs=1e-5)


def test_a_long_text_keeps_its_pad_token(folder):
    cut = TextVectors(str(folder), cache=False, max_tokens=5).of(["abcdefgh"])[0]
    ids = [*byte_tokenizer()("abcd", add_special_tokens=False)["input_ids"], 0]
    assert cut == pytest.approx(alone(folder, ids), abs=1e-5)


def test_prompts_are_embedded_with_what_is_to_be_alike(folder, tmp_path):
    file = write_rows(tmp_path / "prompts.jsonl", [{"prompt": "Is tea wet?"}])
    embed_file(file, "prompt", str(folder), tmp_path / "emb.npz", cache=False)
    _, (shown,), longest = instructed(str(folder), ["Is tea wet?"], "prompt")
    assert shown.startswith("Instruct: ") and shown.endswith("\nQuery: Is tea wet?")
    assert longest == 4096
    wanted = TextVectors(str(folder), cache=False, max_tokens=longest).of([shown])
    with np.load(tmp_path / "emb.npz") as arrays:
        assert arrays["embeddings"] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("e5-mistral", True), ("intfloat/e5-mistral-7b-instruct", True), ("minilm", False)],
)
def test_the_encoder_is_known_by_its_name(name, wanted):
    assert reads_last_token(name) == wanted
