import math
from types import SimpleNamespace

import pytest
import torch
from lofit.offsets.adapter import LofitAdapter
from lofit.scoring.side_effects import side_effects
from tenpapers.models import CausalLM, Head
from tenpapers.testing import tiny_model


class TwoWords:
    """A model of two words whose chances an intervention changes, whatever the text is."""

    device = torch.device("cpu")
    chances = (0.4, 0.6)

    def __call__(self, ids):
        logits = torch.tensor(self.chances).log().expand(1, ids.shape[1], 2)
        return SimpleNamespace(logits=logits)


class Changed:
    """Chances of 0.7 and 0.3 while it is attached."""

    def attach(self, model, *, strength=1.0):
        self.model, model.chances = model, (0.7, 0.3)
        return self

    def remove(self):
        self.model.chances = (0.4, 0.6)


def test_the_kl_is_from_the_base_to_the_adapted_model():
    def tokenizer(text, **_):
        return {"input_ids": [0, 1, 1]}

    lm = CausalLM(TwoWords(), tokenizer, "two words", "local")
    found = side_effects(lm, Changed(), ["any"])
    kl = 0.4 * math.log(0.4 / 0.7) + 0.6 * math.log(0.6 / 0.3)  # 0.192; the other way 0.184
    assert found["kl"] == pytest.approx(kl, abs=1e-6)
    assert found["ce_base"] == pytest.approx(-math.log(0.6))
    assert found["ce_adapted"] == pytest.approx(-math.log(0.3))
    assert found["tokens"] == 2


def test_side_effects_of_nothing_and_of_something(small):
    model = tiny_model("llama", vocab_size=small.model.config.vocab_size)
    lm = CausalLM(model, small.tokenizer, "tiny", "local")
    texts = ["A story about a dog and its friend.", "Rain fell on the town all day."]
    zero = LofitAdapter.for_model(model.config, [Head(1, 1)], torch.zeros(1, 16))
    found = side_effects(lm, zero, texts)
    assert found["ce_base"] == found["ce_adapted"] and found["kl"] == 0.0 and found["tokens"] > 8
    strong = LofitAdapter.for_model(model.config, [Head(1, 1)], 20 * torch.ones(1, 16))
    found = side_effects(lm, strong, texts)
    assert found["kl"] > 0 and found["ce_adapted"] != found["ce_base"]
