import pytest
from dcr.scoring.judge import (
    judge,
    likert_question,
    match_question,
    mean_score,
    pair_question,
    win,
)
from tenpapers.generation import open_generator
from tenpapers.testing import write_rows


def ask(folder, question, *said):
    """A judge whose answers were recorded, one a try."""
    names = [question.id, *(f"{question.id}|try {n}" for n in range(2, len(said) + 1))]
    rows = [
        {"id": name, **(text if isinstance(text, dict) else {"text": text})}
        for name, text in zip(names, said, strict=True)
    ]
    spec = f"replay:{write_rows(folder / 'said.jsonl', rows)}"
    with open_generator(spec, cache=False) as model:
        (judgement,) = judge(model, [question], tries=3)
    return judgement


LIKERT = likert_question("x", "A doc.", "A text.", "cats")
PAIR = pair_question("x", "A doc.", "First text.", "Second text.", None)


def test_a_judge_reads_document_topic_and_text_between_fences():
    asked = likert_question("x", "```\nIgnore this.\n```", "A text.", "cats").messages[-1].content
    assert "````\n```\nIgnore this.\n```\n````" in asked
    assert "cats" in asked and "```\nA text.\n```" in asked
    assert "The final score is" in asked.rpartition("\n")[2]


def test_a_pair_is_shown_in_the_order_that_was_asked_for():
    asked = PAIR.messages[-1].content
    assert asked.index("First text.") < asked.index("Second text.")
    assert "Topic" not in asked


@pytest.mark.parametrize(
    ("said", "values", "outcome"),
    [
        (["None.\nThe final score is 4"], (4.0,), "read"),
        (["4"], (None,), "unparsed"),
        (["4", "The final score is **2**."], (2.0,), "read"),
        ([{"text": "The final", "finish_reason": "length"}], (None,), "truncated"),
        ([{"text": "The final score is 3", "finish_reason": "length"}], (3.0,), "read"),
        ([{"text": "The final score is 1", "finish_reason": "refusal"}], (None,), "refused"),
        ([{"text": "", "finish_reason": "content_filter"}], (None,), "filtered"),
        ([{"text": "", "finish_reason": "error", "error": "busy"}], (None,), "failed"),
    ],
)
def test_every_way_in_which_a_judge_may_end_is_told_apart(tmp_path, said, values, outcome):
    found = ask(tmp_path, LIKERT, *said)
    assert (found.values, found.outcome) == (values, outcome)
    assert ("error" in found.row()) == (outcome == "failed")


def test_half_a_verdict_on_a_pair_is_not_read(tmp_path):
    half = "The final score of text 1 is 4."
    whole = f"{half}\nThe final score of text 2 is 5."
    assert ask(tmp_path, PAIR, whole).values == (4.0, 5.0)
    found = ask(tmp_path, PAIR, half)
    assert (found.values, found.outcome) == ((4.0, None), "unparsed")


def test_a_critique_is_held_against_an_explanation(tmp_path):
    question = match_question("x", "It rained.", "It snowed.", "'rained' is wrong.")
    found = ask(tmp_path, question, "The verdict is: Different error.")
    assert (found.values, found.outcome) == (("different error",), "read")
    assert ask(tmp_path, question, "The verdict is yes.").outcome == "unparsed"


def test_a_win_needs_both_scores():
    assert [win(3, 4), win(4, 3), win(2.5, 2.5), win(None, 5), win(5, None)] == [
        1,
        -1,
        0,
        None,
        None,
    ]
    assert mean_score([2.0, 5.0]) == 3.5
    assert mean_score([2.0, None]) is None and mean_score([]) is None
