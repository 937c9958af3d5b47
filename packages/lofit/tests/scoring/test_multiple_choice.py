import json
import math

import pytest
import torch
from lofit.heads.edits import OffsetHeads
from lofit.inputs import truthfulqa
from lofit.inputs.prompts import primer
from lofit.records import MultipleChoiceItem
from lofit.scoring.multiple_choice import mc_metrics, score_multiple_choice
from tenpapers.models import AttentionLayout


@pytest.mark.acceptance
def test_the_multiple_choice_fixture(data):
    """24 rows with a tie and an underflow."""
    rows = [json.loads(line) for line in (data / "fixtures" / "mc.jsonl").read_text().splitlines()]
    assert len(rows) == 24
    means = [0.0, 0.0, 0.0]
    for row in rows:
        found = mc_metrics(row["scores_true"], row["scores_false"], row["best_index"])
        for i, name in enumerate(("mc1", "mc2", "mc3")):
            assert math.isfinite(found[i]) and abs(found[i] - row[name]) <= 1e-9
            means[i] += found[i] / 24
    assert means == pytest.approx([1 / 3, 0.6097104, 0.3097222], abs=1e-7)


def test_a_tie_is_not_a_win_and_long_answers_are_no_nan():
    assert mc_metrics([-2.0], [-2.0], 0) == (0.0, 0.5, 0.0)
    assert mc_metrics([-2000.0], [-3.0], 0)[1] == pytest.approx(0.0)
    assert mc_metrics([-3.0], [-2000.0], 0) == (1.0, 1.0, 1.0)


def questions():
    return [
        MultipleChoiceItem(
            id=str(i),
            question=f"What comes after {i}?",
            best_answer=f"{i + 1} comes after {i}",
            correct_answers=(f"It is {i + 1}",),
            incorrect_answers=(f"{i}", "I am an octopus"),
        )
        for i in range(3)
    ]


def test_the_best_answer_is_scored_even_if_the_list_of_true_ones_lacks_it(lm):
    results, skipped = score_multiple_choice(
        lm.model,
        lm.tokenizer,
        [*questions()[:1], questions()[1].model_copy(update={"incorrect_answers": ()})],
        context="",
    )
    assert len(results[0].scores_true) == 2 and results[0].best_index == 0 and skipped == ["1"]


@pytest.mark.acceptance
def test_prefix_reuse_gives_the_scores_of_the_naive_scorer(data, lm):
    """Two questions within 1e-3, after the first two questions of the primer; of four answers each,
    for the naive scorer reads everything anew for every answer."""
    items = [
        item.model_copy(
            update={
                "correct_answers": item.correct_answers[:2],
                "incorrect_answers": item.incorrect_answers[:2],
            }
        )
        for item in truthfulqa.read(data / "truthfulqa.jsonl.gz")[:2]
    ]
    context = "\n".join(primer().splitlines()[:5]) + "\n"
    fast, _ = score_multiple_choice(lm.model, lm.tokenizer, items, context=context)
    slow, _ = score_multiple_choice(lm.model, lm.tokenizer, items, context=context, reuse=False)
    for a, b in zip(fast, slow, strict=True):
        assert a.id == b.id and a.mc1 == b.mc1
        assert a.scores_true == pytest.approx(b.scores_true, abs=1e-3)
        assert a.scores_false == pytest.approx(b.scores_false, abs=1e-3)


def test_an_edit_of_answers_only_is_the_same_in_both_scorers(lm):
    """ITI's scope in multiple choice: from the answer's first token on."""
    layout = AttentionLayout.from_model(lm.model)
    found = {}
    for reuse in (True, False):
        draw = torch.Generator().manual_seed(0)
        edit = OffsetHeads(
            layout,
            [(20, 3), (12, 5)],
            3 * torch.randn(2, 64, generator=draw),
            scope=slice(-1, None),
        )
        with edit:
            found[reuse], _ = score_multiple_choice(
                lm.model,
                lm.tokenizer,
                questions()[:1],
                context="Q: Hi?\nA: Ho.\n\n",
                answer_only=edit,
                reuse=reuse,
            )
    base, _ = score_multiple_choice(
        lm.model, lm.tokenizer, questions()[:1], context="Q: Hi?\nA: Ho.\n\n"
    )
    for a, b, c in zip(found[True], found[False], base, strict=True):
        assert a.scores_true == pytest.approx(b.scores_true, abs=1e-3)
        assert a.scores_true != pytest.approx(c.scores_true, abs=1e-2)
