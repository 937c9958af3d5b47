import pytest
from cfr.retrieval.encoder import Encoder

WORDS = "the vaccine was tested in mice contains no fetal tissue trump praised oil prices rose fell"


def make_checkpoint(folder, *, seed=0, dim=32):
    """A random BERT of two layers with a word-piece tokenizer of a few words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    folder.mkdir(parents=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*special, *WORDS.split(), "##s", "a", "b", "c"]))
    tokenizer = BertTokenizerFast(str(vocabulary), model_max_length=64)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=dim,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    model = BertModel(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def encoder(checkpoint):
    return Encoder.load(str(checkpoint))


@pytest.fixture(scope="session")
def minilm():
    return Encoder.load("minilm")
