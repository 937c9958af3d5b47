import pytest


@pytest.fixture(scope="session")
def tokenizer():
    """The word pieces of bert-base-uncased, as all-MiniLM-L6-v2 has them."""
    from tenpapers.models.loading import resolve_name
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve_name("minilm"))


@pytest.fixture
def lerc(tokenizer):
    """A random LERC of two layers; its scores spread around 3."""
    import torch
    from cfr.equivalence.lerc import Lerc
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=24,
        initializer_range=0.5,
    )
    head = torch.nn.Linear(16, 1)
    torch.nn.init.constant_(head.bias, 3.0)
    return Lerc(BertModel(config, add_pooling_layer=False), head, tokenizer, name="tiny")
