import json
import math

import pytest
from lofit.inputs.prompts import truthfulqa_context
from lofit.records import MultipleChoiceItem, SFTExample
from lofit.scoring.evaluate import degeneration, grade_answers
from lofit.scoring.exact_match import exact_match
from lofit.scoring.judges import verdict
from lofit.scoring.multiple_choice import mc_metrics, score_multiple_choice
from lofit.scoring.significance import paired_bootstrap, sentence


@pytest.mark.acceptance
def test_the_multiple_choice_fixture(data):
    """Check 3: 24 rows with a tie and an underflow."""
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


@pytest.mark.acceptance
def test_the_exact_match_fixture(data):
    """Check 4: 12 rows, both rules."""
    rows = [json.loads(line) for line in (data / "fixtures" / "em.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    for row in rows:
        for mode in ("strict", "normalized"):
            found = exact_match(
                row["task"], row["completion"], row["labels"], strict=mode == "strict"
            )
            assert found == row[mode], (row, mode)


def test_strict_looks_after_the_last_marker():
    assert exact_match("mquake", "Paris\nQ: x\nA:rome", ["Paris"], strict=True) == 0
    assert exact_match("mquake", "Paris\nQ: x\nA:rome", ["Paris"]) == 1


def test_grading_counts_echo_and_warns_of_degenerate_text():
    examples = [
        SFTExample(id=str(i), prompt="p", completion=" Rome", answers=("Rome",), echo=echo)
        for i, echo in enumerate(["Rome", "Oslo", "Rome", "Oslo"])
    ]
    found = grade_answers("mquake", examples, [" Rome", " Rome", "Rome", ""])
    assert found.metrics == {"em_strict": 25.0, "em_normalized": 75.0}
    assert found.echo == {"em_strict": 50.0, "em_normalized": 50.0}
    assert any("begin with the same words" in remark for remark in found.remarks)
    assert degeneration(["a", "b", "c", "d"]) == ["distinct outputs: 4 of 4"]


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
    """Check 17 (the scores; the speed is in `lofit bench`): 5 questions within 1e-3."""
    from lofit.inputs import truthfulqa

    items = truthfulqa.read(data / "truthfulqa.jsonl.gz")[:5]
    context = truthfulqa_context()
    fast, _ = score_multiple_choice(lm.model, lm.tokenizer, items, context=context)
    slow, _ = score_multiple_choice(lm.model, lm.tokenizer, items, context=context, reuse=False)
    for a, b in zip(fast, slow, strict=True):
        assert a.id == b.id and a.mc1 == b.mc1
        assert a.scores_true == pytest.approx(b.scores_true, abs=1e-3)
        assert a.scores_false == pytest.approx(b.scores_false, abs=1e-3)


def test_an_edit_of_answers_only_is_the_same_in_both_scorers(lm):
    """ITI's scope in multiple choice: from the answer's first token on."""
    import torch
    from lofit.heads.edits import OffsetHeads
    from tenpapers.models import AttentionLayout

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
                questions(),
                context="Q: Hi?\nA: Ho.\n\n",
                answer_only=edit,
                reuse=reuse,
            )
    base, _ = score_multiple_choice(
        lm.model, lm.tokenizer, questions(), context="Q: Hi?\nA: Ho.\n\n"
    )
    for a, b, c in zip(found[True], found[False], base, strict=True):
        assert a.scores_true == pytest.approx(b.scores_true, abs=1e-3)
        assert a.scores_true != pytest.approx(c.scores_true, abs=1e-2)


class AlwaysYes:
    def score(self, question, answer):
        return 0.5 if answer == "maybe" else 0.4


def test_an_empty_answer_is_true_and_not_informative():
    judge = AlwaysYes()
    assert verdict(judge, "q", "  ", "true") == 1 and verdict(judge, "q", "", "informative") == 0
    assert verdict(judge, "q", "maybe", "true") == 1 and verdict(judge, "q", "no", "true") == 0


def test_the_sentence_changes_with_the_numbers():
    """Check 21: shown, not shown, opposite; swapped numbers swap the verdict."""
    high, low = [100.0] * 30 + [0.0] * 10, [0.0] * 30 + [100.0] * 10
    assert "shown at this scale" in sentence("a beats b", paired_bootstrap(high, low))
    assert "the opposite shows" in sentence("a beats b", paired_bootstrap(low, high))
    assert '"a beats b": not shown' in sentence("a beats b", paired_bootstrap(high, high))
    assert paired_bootstrap(high, low).p < 0.05 and paired_bootstrap(low, high).p > 0.95
    assert paired_bootstrap(high, low).stars == "*"
