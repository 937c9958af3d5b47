import dataclasses

import pytest
import torch
from dcr.scoring.alignscore import chunks_of, open_aligner
from tenpapers.errors import UserError
from tenpapers.testing import byte_tokenizer
from transformers import RobertaConfig, RobertaForSequenceClassification, RobertaModel

LABELS = {0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}


def shape(pad=0, **more):
    return RobertaConfig(
        vocab_size=259,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=48,
        max_position_embeddings=202,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        initializer_range=0.3,
        pad_token_id=pad,
        **more,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small random classifier of entailment."""
    place = tmp_path_factory.mktemp("nli")
    torch.manual_seed(0)
    RobertaForSequenceClassification(shape(id2label=LABELS, num_labels=3)).save_pretrained(place)
    byte_tokenizer().save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, folder):
    """A checkpoint as AlignScore's authors saved theirs, and its parts."""
    torch.manual_seed(1)
    body, head = RobertaModel(shape(pad=1)), torch.nn.Linear(64, 3)
    weights = {f"base_model.{name}": value for name, value in body.state_dict().items()}
    weights |= {f"tri_layer.{name}": value for name, value in head.state_dict().items()}
    weights["bin_layer.weight"] = torch.zeros(2, 64)
    file = tmp_path_factory.mktemp("align") / "a.ckpt"
    torch.save({"state_dict": weights, "epoch": 3}, file)
    return file, body.eval(), head


def test_a_document_is_cut_into_runs_of_whole_sentences():
    # 700 words are 3 pieces (700 // 350 + 1); 7 sentences make runs of 2
    document = " ".join(" ".join([f"W{n}", *["w"] * 98, "end."]) for n in range(7))
    chunks = chunks_of(document)
    assert [chunk.count("end.") for chunk in chunks] == [2, 2, 2, 1]
    assert " ".join(chunks) == document
    assert chunks_of("One here. Two there.") == ["One here. Two there."]


def test_the_largest_over_chunks_and_the_mean_over_sentences(folder):
    aligner = open_aligner(str(folder))
    document = f"Ann {'w ' * 348}end. Bob {'v ' * 348}stop."  # 700 words: chunks of one sentence
    chunks = chunks_of(document)
    assert len(chunks) == 2
    claims = ["Ann ran.", "Bob sat."]
    each = [[aligner.score([(chunk, claim)])[0] for chunk in chunks] for claim in claims]
    (whole,) = aligner.score([(document, " ".join(claims))])
    assert whole == pytest.approx(sum(max(row) for row in each) / 2, abs=1e-5)
    assert aligner.kind == "stand-in"


def test_scores_do_not_depend_on_what_else_is_scored(folder):
    aligner = open_aligner(str(folder))
    pairs = [("A doc here.", "Yes. No."), ("Other words.", "Maybe so."), ("A doc here.", "")]
    together = aligner.score(pairs)
    assert together[:2] == pytest.approx([aligner.score([pair])[0] for pair in pairs[:2]], abs=1e-5)
    assert together[2] is None


def test_the_sentence_is_never_cut_for_a_long_chunk(folder):
    aligner = open_aligner(str(folder))
    seen = []

    def watched(batch):
        seen.append(batch["input_ids"])
        return aligner.logits(batch)

    dataclasses.replace(aligner, logits=watched).score([("w" * 500, "Ann ran.")])
    text = aligner.tokenizer.decode(seen[0][0])
    assert len(seen[0][0]) == 200 and text.endswith("Ann ran.")


def test_the_published_form_is_read_by_its_own_three_way_head(checkpoint, folder):
    file, body, head = checkpoint
    aligner = open_aligner(str(file), tokenizer=str(folder))
    assert aligner.kind == "AlignScore"
    (found,) = aligner.score([("A doc.", "Ann ran.")])
    ids = torch.tensor([aligner.tokenizer("A doc.", "Ann ran.")["input_ids"]])
    with torch.no_grad():
        wanted = head(body(ids, torch.ones_like(ids)).pooler_output).softmax(-1)[0, 0]
    assert found == pytest.approx(float(wanted), abs=1e-5)


def test_what_is_no_scorer_is_told_in_one_line(tmp_path, folder):
    broken = tmp_path / "x.ckpt"
    broken.write_bytes(b"no")
    with pytest.raises(UserError, match="no checkpoint of weights"):
        open_aligner(str(broken))
    torch.save({"state_dict": {"a": torch.zeros(1)}}, broken)
    with pytest.raises(UserError, match="no AlignScore"):
        open_aligner(str(broken))
    nameless = tmp_path / "nameless"
    RobertaForSequenceClassification(shape(num_labels=3)).save_pretrained(nameless)
    byte_tokenizer().save_pretrained(nameless)
    with pytest.raises(UserError, match="LABEL_0|label_0"):
        open_aligner(str(nameless))
