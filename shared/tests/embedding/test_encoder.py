import json
import shutil

import numpy as np
import pytest
import torch
from tenpapers.embedding import Encoder
from tenpapers.errors import UserError
from tenpapers.models import embedded_path

TEXTS = [
    "A cat sat on the mat.",
    "The stock market fell sharply today.",
    "Kittens sleep a lot.",
    "Shares lost value on Monday.",
    "",
    "x" * 3000,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A function that makes an encoder folder from minilm, with other modules."""

    def make(name, *, pooling=None, normalized=True, prompts=None):
        made = tmp_path_factory.mktemp(name) / "model"
        shutil.copytree(embedded_path("minilm"), made)
        modules = json.loads((made / "modules.json").read_text())
        if not normalized:
            (made / "modules.json").write_text(json.dumps(modules[:2]))
        if pooling:
            # As the hub's folders write it: one switch a mode.
            modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
            switches = {f"pooling_mode_{mode}": mode == pooling for mode in modes}
            content = {"word_embedding_dimension": 384} | switches
            (made / "1_Pooling" / "config.json").write_text(json.dumps(content))
        if prompts:
            content = {"prompts": prompts, "default_prompt_name": None}
            (made / "config_sentence_transformers.json").write_text(json.dumps(content))
        return str(made)

    return make


def states(encoder, text):
    """Last hidden states of one text, by transformers."""
    batch = encoder.model.tokenizer([text], return_tensors="pt")
    with torch.inference_mode():
        return next(encoder.model[0].children())(**batch).last_hidden_state[0].numpy()


def unit(vector):
    return vector / np.linalg.norm(vector)


def test_vectors_are_the_mean_of_the_hidden_states_whatever_the_batch(encoder):
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.allclose(alone, together, atol=1e-5)
    assert together.shape == (6, encoder.dim) == (6, 384) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together[0], unit(states(encoder, TEXTS[0]).mean(0)), atol=1e-5)
    cosine = together @ together.T
    assert cosine[0, 2] > cosine[0, 1] and cosine[1, 3] > cosine[1, 0]
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize(("pooling", "place"), [("cls_token", 0), ("lasttoken", -1)])
def test_a_folder_is_pooled_as_its_modules_say(folder, pooling, place):
    """Two texts of different length in one batch: padding is no last token."""
    loaded = Encoder.load(folder(pooling, pooling=pooling), device="cpu")
    vectors = loaded.encode(TEXTS[:2])
    for text, vector in zip(TEXTS[:2], vectors, strict=True):
        assert np.allclose(vector, unit(states(loaded, text)[place]), atol=1e-5)


@pytest.mark.parametrize("normalized", [True, False])
def test_vectors_keep_their_length_on_request(folder, normalized):
    made = folder("raw", normalized=normalized)
    loaded = Encoder.load(made, normalize=False, device="cpu")
    (vector,) = loaded.encode(TEXTS[:1])
    assert np.allclose(vector, states(loaded, TEXTS[0]).mean(0), atol=1e-5)
    assert Encoder.load(made, device="cpu").encode(TEXTS[:1])[0] == pytest.approx(
        unit(vector), abs=1e-5
    )


def test_queries_and_documents_get_the_prompts_of_the_folder(folder, encoder):
    loaded = Encoder.load(folder("p", prompts={"query": "query: ", "document": "passage: "}))
    expected = encoder.encode(["query: cats", "passage: cats", "cats"])
    found = [loaded.encode(["cats"], role=role)[0] for role in ("query", "document", "text")]
    assert np.allclose(found, expected, atol=1e-5)


def test_no_more_tokens_are_read_than_asked_for_or_the_folder_allows(encoder):
    first = "one two three"  # with the two special tokens, five
    short = encoder.encode([f"{first} four"], max_length=5)
    assert np.allclose(short, encoder.encode([first]), atol=1e-5)
    many, more = "word " * 300, "word " * 400  # minilm's folder says 256
    assert np.allclose(*encoder.encode([many, more]), atol=1e-5)


def test_an_encoder_is_what_it_contains(folder, encoder):
    assert Encoder.load(folder("same")).identity == encoder.identity != ""
    assert Encoder.load(folder("cls", pooling="cls_token")).identity != encoder.identity


def test_an_encoder_that_is_not_there_is_told():
    with pytest.raises(UserError, match="encoder /no/such: cannot be loaded"):
        Encoder.load("/no/such")
