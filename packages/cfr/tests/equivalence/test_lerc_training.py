import copy
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cfr.equivalence import lerc_training
from cfr.equivalence.lerc_settings import LercSettings
from cfr.equivalence.lerc_training import (
    in_drawn_order,
    minimal_pair_accuracy,
    pearson,
    train_lerc,
)
from cfr.equivalence.mocha import AnswerPairRow, MinimalPair, MochaRow
from tenpapers.errors import UserError

# The settings name a file; the functions here get its rows.
FILE = Path("train.json")
FAST = LercSettings(FILE, lr=1e-2, epochs=15, warmup=2, batch=2, accumulate=2, augment=False)


def judged(candidate, score, dataset="drop"):
    return MochaRow(
        context="It was red.",
        question="What colour?",
        reference="red",
        candidate=candidate,
        score=score,
        dataset=dataset,
    )


ROWS = [judged("red", 5), judged("a cow", 1), judged("scarlet", 4.5), judged("seven", 1.5)]
ROWS += [judged("crimson", 4), judged("nobody", 1)]


def test_training_brings_scores_towards_peoples(lerc):
    before = pearson(lerc, ROWS)["drop"]
    report = train_lerc(lerc, ROWS, FAST, dev=ROWS)
    assert report.rows == 6 and len(report.losses) == 15
    assert report.losses[-1] < 0.7 * report.losses[0]
    assert report.pearson["drop"] > max(before, 0.5)
    assert not lerc.bert.training


def test_the_same_seed_trains_the_same_model(lerc):
    twin = copy.deepcopy(lerc)
    assert train_lerc(lerc, ROWS, FAST).losses == train_lerc(twin, ROWS, FAST).losses


def test_a_step_is_that_of_all_its_rows_at_once(lerc, monkeypatch):
    """3 rows in batches of 2 give the gradient of one batch of 3."""
    # Adam would blow up differences of gradients that are nothing but rounding
    monkeypatch.setattr(torch.optim, "AdamW", torch.optim.SGD)
    for module in lerc.bert.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    before, twin = copy.deepcopy(lerc), copy.deepcopy(lerc)
    one_step = replace(FAST, lr=1e-2, epochs=1, warmup=0)
    train_lerc(lerc, ROWS[:3], one_step)
    train_lerc(twin, ROWS[:3], replace(one_step, batch=4, accumulate=1))
    moved = 0.0
    for start, own, other in zip(*map(parameters, (before, lerc, twin)), strict=True):
        moved = max(moved, (own - start).abs().max().item())
        assert torch.allclose(own, other, atol=1e-5)
    assert moved > 1e-3


def parameters(lerc):
    return list(lerc.bert.parameters())


def test_biases_and_layer_norms_do_not_decay(lerc):
    decayed, free = lerc_training._groups([lerc.bert, lerc.head], 0.01)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.01, 0.0)
    # a weight matrix or embedding each; layers: 6 matrices, embeddings: 3, the layer on top: 1
    assert len(decayed["params"]) == 2 * 6 + 3 + 1
    assert all(value.ndim == 1 for value in free["params"])


def test_a_pair_is_read_in_either_order():
    texts = {"context": "c", "question": "q", "reference": "right", "candidate": "wrong"}
    pair = AnswerPairRow(**texts, same=False)
    first, label = in_drawn_order(pair, swap=False)
    assert (first.reference, first.candidate, label) == ("right", "wrong", 0)
    second, label = in_drawn_order(pair, swap=True)
    assert (second.reference, second.candidate, label) == ("wrong", "right", 1)
    assert in_drawn_order(AnswerPairRow(**texts, same=True), swap=True)[1] == 2


def test_the_first_stage_moves_the_encoder_and_leaves_the_scoring_layer(lerc):
    texts = {"context": "c", "question": "q", "reference": "right"}
    pairs = [AnswerPairRow(**texts, candidate=one, same=one == "right") for one in ("right", "no")]
    settings = LercSettings(train=FILE, pretrain_epochs=2, pretrain_lr=1e-3, warmup=0)
    head = lerc.head.weight.clone()
    vectors = lerc.bert.get_input_embeddings().weight.clone()
    losses = lerc_training.pretrain(lerc, pairs, settings, random.Random(0))
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    assert torch.equal(lerc.head.weight, head)
    assert not torch.equal(lerc.bert.get_input_embeddings().weight, vectors)


def test_minimal_pairs_are_right_where_the_better_answer_scores_higher(lerc, monkeypatch):
    scores = {"a": 4.0, "b": 2.0, "c": 4.0}
    monkeypatch.setattr(
        type(lerc),
        "raw_scores",
        lambda self, rows: torch.tensor([scores[r.candidate] for r in rows]).numpy(),
    )
    texts = {"context": "c", "question": "q", "reference": "r"}
    pairs = [
        MinimalPair(**texts, candidate=x, candidate2=y, score=s, score2=t, dataset="drop")
        for x, y, s, t in [("a", "b", 5, 1), ("b", "a", 5, 1), ("b", "a", 1, 5), ("a", "c", 5, 1)]
    ]
    assert minimal_pair_accuracy(lerc, pairs) == {"drop": 0.625}


def test_correlation_of_what_does_not_vary_is_unknown(lerc):
    assert math.isnan(pearson(lerc, ROWS[:1])["drop"])
    assert math.isnan(pearson(lerc, [judged("a", 3), judged("b", 3)])["drop"])


def test_training_on_nothing_is_refused(lerc):
    with pytest.raises(UserError, match="no judgements to train on"):
        train_lerc(lerc, [], FAST)
