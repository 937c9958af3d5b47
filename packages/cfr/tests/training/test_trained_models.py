import pytest
import torch
from cfr.training.settings import TrainSettings
from cfr.training.trained_models import Texts, close_scope, open_scope
from tenpapers.errors import UserError

from .conftest import training_rows

LAYER = "encoder.layer"


def trained(encoder, scope):
    open_scope(encoder, TrainSettings(scope=scope, lora_rank=2))
    texts = Texts(encoder, training_rows(2), ["the vaccine"])
    return set(texts.parameters)


def test_a_scope_opens_what_it_names(encoder):
    every = trained(encoder, "full")
    assert any("word_embeddings" in name for name in every)
    last = trained(encoder, "top-1")
    assert last and all(name.startswith(f"{LAYER}.1.") for name in last)
    assert trained(encoder, "top-2") == {name for name in every if name.startswith(LAYER)}


def test_more_layers_than_there_are_are_refused(encoder):
    with pytest.raises(UserError, match="has 2 layers"):
        open_scope(encoder, TrainSettings(scope="top-3"))


def test_adapters_become_part_of_the_weights(encoder):
    names = trained(encoder, "lora")
    assert names and all("lora_" in name for name in names)
    with torch.no_grad():
        for name, value in encoder.model.named_parameters():
            if "lora_B" in name:
                value += 0.05
    encoder.model.eval()
    before = encoder.encode(["the vaccine was tested"])
    close_scope(encoder)
    assert type(encoder.model).__name__ == "BertModel"
    assert abs(encoder.encode(["the vaccine was tested"]) - before).max() < 1e-5


def test_dropout_is_what_the_settings_say(encoder):
    open_scope(encoder, TrainSettings(dropout=0.25))
    shares = {part.p for part in encoder.model.modules() if isinstance(part, torch.nn.Dropout)}
    assert shares == {0.25}


def test_a_long_claim_is_cut_and_the_subquestion_stays(encoder):
    (row,) = training_rows(1)
    row = row.model_copy(update={"claim": "oil prices rose " * 30})
    encoder.config = type(encoder.config)(query_length=20)
    texts = Texts(encoder, [row], [])
    (ids,) = texts._tokens["query"]
    assert len(ids) <= 20
    said = encoder.tokenizer.decode(ids)
    assert said.startswith("[CLS] oil prices rose") and row.question in said
