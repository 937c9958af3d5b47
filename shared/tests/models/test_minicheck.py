import json
import logging

import numpy as np
import pytest
import torch
from tenpapers.errors import UserError
from tenpapers.models import minicheck
from tenpapers.models.minicheck import MiniCheck
from tenpapers.sentences import EmptyDocumentError
from tenpapers.testing import byte_tokenizer

LONG = " ".join(f"Fact {n} is that tea number {n} costs {n * 7} pounds." for n in range(30))
PAIRS = [
    ("Tea is hot.", "Tea is cold."),
    (LONG, "Tea number 5 costs 35 pounds."),
    ("Milk is white.\nTea is hot. Ann ran home.", "Milk is white."),
    (LONG, "Nothing is free."),
    ("Tea is hot.", "Tea is cold."),
]


def t5(**config):
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(3)
    plain = {"vocab_size": 259, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2}
    model = T5ForConditionalGeneration(
        T5Config(**(plain | {"num_heads": 4, "decoder_start_token_id": 0} | config))
    )
    # T5's own small weights would give every claim the same probability.
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return MiniCheck(model, byte_tokenizer())


def classifier(labels):
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=259,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label=dict(enumerate(labels)),
    )
    return BertForSequenceClassification(config)


@pytest.fixture(scope="module")
def tiny():
    return t5()


def one_by_one(scorer, document, claim):
    """The published loop: every chunk with its claim, one text, one decoder step."""
    texts = [f"predict: {chunk}</s>{claim}" for chunk in scorer.chunks(document)]
    probs = []
    for text in texts:
        ids = torch.tensor([scorer.tokenizer(text)["input_ids"]])
        with torch.no_grad():
            logits = scorer.model(input_ids=ids, decoder_input_ids=torch.zeros((1, 1), dtype=int))
        probs.append(logits.logits[0, 0, [3, 209]].softmax(-1)[1].item())
    return probs


def test_in_batches_as_one_at_a_time_in_any_order(tiny, monkeypatch):
    monkeypatch.setattr(minicheck, "CHUNK_WORDS", 100)
    found = tiny.score(PAIRS, batch_tokens=2000)
    for pair, probs, best in zip(PAIRS, found.chunk_probs, found.probs, strict=True):
        assert probs == pytest.approx(one_by_one(tiny, *pair), abs=1e-5)
        assert best == max(probs)
    assert len(found.chunk_probs[1]) == 3 and np.ptp(found.probs) > 0.01
    backwards = tiny.score(PAIRS[::-1], batch_tokens=1)
    assert backwards.probs[::-1] == pytest.approx(found.probs, abs=1e-5)


PIECES = ["▁", "▁tea", "tea", "▁is", "▁hot", ".", ":", "▁predict", *"aehiost"]


@pytest.mark.parametrize("name", ["T5Tokenizer", "DebertaV2Tokenizer"])
@pytest.mark.parametrize("claim", ["tea is hot.", " hot\ntea "])
@pytest.mark.parametrize("chunk", ["tea is hot.", "tea\ntea ishot "])
def test_chunk_and_claim_are_tokenized_as_in_one_text(name, claim, chunk):
    """Each is tokenized once, however often it is put together with another."""
    import transformers

    own = ["<pad>", "</s>", "<unk>"] if name == "T5Tokenizer" else ["[PAD]", "[CLS]", "[SEP]"]
    own += [] if name == "T5Tokenizer" else ["[UNK]"]
    vocabulary = [(word, 0.0) for word in own] + [(piece, -3.0) for piece in PIECES]
    tokenizer = getattr(transformers, name)(vocab=vocabulary)
    scorer = MiniCheck(classifier(["no", "yes"]), tokenizer)
    eos = tokenizer.eos_token or tokenizer.sep_token
    whole = tokenizer(chunk + eos + claim)["input_ids"]
    assert scorer._joined(scorer._plain([chunk])[0], scorer._plain([eos + claim])[0]) == whole
    assert len(whole) > 6


def test_the_best_chunk_counts(tiny, monkeypatch):
    """Three chunks of 0.2, 0.7 and 0.4."""
    probs = [0.2, 0.7, 0.4]
    monkeypatch.setattr(tiny, "_probabilities", lambda batch: [probs[c.place[1]] for c in batch])
    monkeypatch.setattr(tiny, "chunks", lambda document: ["a", "bb", "ccc"])
    found = tiny.score([("d", "claim")])
    assert found.probs == pytest.approx([0.7])
    assert found.chunk_probs[0] == pytest.approx([0.2, 0.7, 0.4])


def test_in_a_hurry_the_likeliest_chunk_may_do(tiny, monkeypatch):
    read = []

    def probabilities(batch):
        read.extend(case.place for case in batch)
        return [0.995 if case.place == (0, 1) else 0.6 for case in batch]

    monkeypatch.setattr(tiny, "_probabilities", probabilities)
    monkeypatch.setattr(tiny, "chunks", lambda document: ["a b", "c d"])
    found = tiny.score([("d", "c d"), ("d", "a x")], early_exit=True)
    assert read == [(0, 1), (1, 0), (1, 1)]
    assert found.probs == pytest.approx([0.995, 0.6])
    assert np.isnan(found.chunk_probs[0][0])


def test_a_long_chunk_is_cut_and_never_the_claim(tiny, caplog):
    claim = "Tea is hot."
    document = "tea " * 1500
    with caplog.at_level(logging.WARNING):
        found = tiny.score([(document, claim)])
    assert "1 chunks were cut at 2048 tokens" in caplog.text
    kept = f"predict: {document}"[: 2048 - len(f"{claim}") - 1]
    ids = tiny.tokenizer(f"{kept}</s>{claim}")["input_ids"]
    assert len(ids) == 2048
    assert tiny._joined([7] * 3000, [8, 9])[-2:] == [8, 9]
    with torch.no_grad():
        logits = tiny.model(
            input_ids=torch.tensor([ids]), decoder_input_ids=torch.zeros((1, 1), dtype=int)
        ).logits
    assert found.probs[0] == pytest.approx(logits[0, 0, [3, 209]].softmax(-1)[1].item(), abs=1e-5)


def test_an_empty_document_is_told(tiny):
    with pytest.raises(EmptyDocumentError):
        tiny.score([("Tea is hot.", "Tea."), (" ", "Tea.")])


def test_nothing_is_scored_of_nothing(tiny):
    assert tiny.score([]).probs.shape == (0,)


@pytest.mark.parametrize(
    ("labels", "supported"),
    [
        (["LABEL_0", "LABEL_1"], 1),
        (["entailment", "neutral", "contradiction"], 0),
        (["SUPPORTED", "NOT_SUPPORTED"], 0),
    ],
)
def test_the_class_that_means_supported(labels, supported):
    model = classifier(labels)
    scorer = MiniCheck(model, byte_tokenizer())
    ids = torch.tensor([scorer.tokenizer("Tea is hot.</s>Tea.")["input_ids"]])
    wanted = model(input_ids=ids).logits[0].softmax(-1)[supported].item()
    assert scorer.score([("Tea is hot.", "Tea.")]).probs[0] == pytest.approx(wanted, abs=1e-6)


def test_a_class_of_one_logit():
    model = classifier(["score"])
    scorer = MiniCheck(model, byte_tokenizer())
    ids = torch.tensor([scorer.tokenizer("Tea is hot.</s>Tea.")["input_ids"]])
    wanted = model(input_ids=ids).logits[0, 0].sigmoid().item()
    assert scorer.score([("Tea is hot.", "Tea.")]).probs[0] == pytest.approx(wanted, abs=1e-6)


def test_classes_without_a_telling_name_are_refused():
    with pytest.raises(UserError, match=r"which of its classes means supported\? a, b, c"):
        MiniCheck(classifier(["a", "b", "c"]), byte_tokenizer(), name="mine")


def test_a_folder_is_loaded_and_known_by_its_content(tmp_path, tiny):
    tiny.model.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    loaded = MiniCheck.load(str(tmp_path))
    assert loaded.score(PAIRS[:1]).probs == pytest.approx(tiny.score(PAIRS[:1]).probs, abs=1e-6)
    assert loaded.identity == MiniCheck.identity_of(str(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"dropout_rate": 0.3}))
    assert MiniCheck.identity_of(str(tmp_path)) != loaded.identity


def test_a_vocabulary_without_the_labels_is_refused():
    with pytest.raises(UserError, match="has no tokens"):
        t5(vocab_size=200)
