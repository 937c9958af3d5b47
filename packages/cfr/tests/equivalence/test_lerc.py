import tarfile

import numpy as np
import pytest
import torch
from cfr.equivalence.lerc import Lerc, batches, fresh_lerc, normalized
from cfr.equivalence.lerc_input import LercRow
from tenpapers.errors import UserError

QUADRUPLE = {
    "context": ["It was built of red brick.", "", "Nobody knows."],
    "question": ["What was it built of?", "Who was it?", "What was it built of?"],
    "reference": ["brick", "my uncle", "brick"],
    "candidate": ["red bricks", "his aunt", "wood"],
}


def weights_of(lerc, prefix="bert."):
    state = {f"{prefix}{name}": value for name, value in lerc.bert.state_dict().items()}
    return state | {f"score_layer.{name}": v for name, v in lerc.head.state_dict().items()}


def test_scores_of_one_to_five_become_zero_to_one():
    assert normalized(np.array([3.0, 6.2, 0.4, 2.2])).tolist() == pytest.approx([0.5, 1, 0, 0.3])


def test_an_archive_of_allennlp_loads_without_it(lerc, tmp_path):
    """Names as in the released archive: with a pooler, and the positions of an older BERT."""
    state = weights_of(lerc) | {
        "bert.pooler.dense.weight": torch.zeros(16, 16),
        "bert.embeddings.position_ids": torch.arange(512)[None],
    }
    torch.save(state, tmp_path / "weights.th")
    (tmp_path / "config.json").write_text('{"model": {"type": "lerc"}}')
    archive = tmp_path / "lerc.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for name in ("weights.th", "config.json"):
            packed.add(tmp_path / name, name)
    loaded = Lerc.load(str(archive), device="cpu")
    assert loaded.score(**QUADRUPLE).tolist() == lerc.score(**QUADRUPLE).tolist()
    assert len(loaded.identity) == 64


def test_a_saved_model_scores_the_same(lerc, tmp_path):
    lerc.save(tmp_path / "model")
    loaded = Lerc.load(str(tmp_path / "model"), device="cpu")
    found = loaded.score(**QUADRUPLE)
    assert found.dtype == np.float32 and found.tolist() == lerc.score(**QUADRUPLE).tolist()
    assert len(set(found.tolist())) == 3


def test_the_score_is_the_linear_layer_on_the_last_cls_vector(lerc):
    row = LercRow(context="a", question="b", reference="c", candidate="d")
    pieces = [101, *(t for w in "abcd" for t in (lerc.tokenizer.convert_tokens_to_ids(w), 102))]
    segments = [[0, 0, 0, 0, 0, 1, 1, 1, 1]]
    with torch.no_grad():
        states = lerc.bert(torch.tensor([pieces]), token_type_ids=torch.tensor(segments))[0]
    wanted = states[0, 0] @ lerc.head.weight[0] + lerc.head.bias[0]
    assert lerc.raw_scores([row])[0] == pytest.approx(wanted.item(), abs=1e-5)


def test_a_row_scores_the_same_alone_and_among_others(lerc):
    rows = [LercRow(context="x " * n, question="q", reference="r", candidate="c") for n in range(9)]
    alone = [float(lerc.raw_scores([row])[0]) for row in rows]
    assert lerc.raw_scores(rows).tolist() == pytest.approx(alone, abs=1e-5)


def test_identical_rows_are_read_once(lerc):
    row = LercRow(context="a", question="b", reference="c", candidate="d")
    first, second = lerc.raw_scores([row, row])
    assert first == second and (lerc.n_scored, lerc.n_tokens) == (1, 9)
    assert lerc.score([], [], [], []).shape == (0,)


def test_batches_hold_like_lengths_within_a_budget():
    assert list(batches([3, 9, 4, 3, 20], budget=10)) == [[4], [1], [2, 0], [3]]
    assert list(batches([])) == []


def test_what_is_no_lerc_is_refused(lerc, tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        Lerc.load(str(tmp_path / "nothing"))
    with pytest.raises(UserError, match=r"no weights in it; one of model\.safetensors"):
        Lerc.load(str(tmp_path))
    torch.save(weights_of(lerc, prefix="encoder."), tmp_path / "weights.th")
    with pytest.raises(UserError, match="its weights are no LERC's"):
        Lerc.load(str(tmp_path))
    with pytest.raises(UserError, match=r"lerc\.tar\.gz: no such file"):
        Lerc.load(str(tmp_path / "lerc.tar.gz"))


def test_a_fresh_model_is_a_bert_with_a_random_layer(lerc, tmp_path):
    lerc.bert.save_pretrained(tmp_path)
    lerc.tokenizer.save_pretrained(tmp_path)
    made = fresh_lerc(str(tmp_path), device="cpu")
    assert torch.equal(
        made.bert.embeddings.word_embeddings.weight, lerc.bert.get_input_embeddings().weight
    )
    assert made.head.weight.shape == (1, 16)
    with pytest.raises(UserError, match="cannot be loaded"):
        fresh_lerc(str(tmp_path / "nothing"))
