import pytest
from tenpapers.generation import Completion
from tenpapers.testing import read_rows, write_rows
from tocot.answering.judge import Judgement, model_judge
from tocot.answering.run import run
from tocot.records import Extraction

from ..conftest import command, fails, item, kept


class Said:
    """A model that always says the same."""

    def __init__(self, text, finish_reason="stop"):
        self.done = {"text": text, "finish_reason": finish_reason}
        self.asked = []

    def generate(self, requests):
        self.asked += requests
        return [Completion(id=request.id, **self.done) for request in requests]


SHORT = item(task="musique_all", answer_kind="short", gold=["Rome", "Roma"], choices=None)
FREE = item(task="biggen_bench", answer_kind="judge", gold="r", choices=None)
ANSWER = Extraction("Oslo", None, "")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (" Yes.", Judgement(True)),
        ("**No**, they differ", Judgement(False)),
        ("None of it", Judgement(None, "neither yes nor no")),
    ],
)
def test_short_answers_are_judged_by_yes_or_no(reply, said):
    model = Said(reply)
    assert model_judge(model)(SHORT, ANSWER) == said
    (request,) = model.asked
    text = request.messages[0].content
    assert "Rome; Roma" in text and "Oslo" in text and request.sampling.max_tokens == 8


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Fine. [RESULT] 4", Judgement(True)),
        ("[RESULT] 3", Judgement(False)),
        ("As a result 4 of the points are missing. [RESULT] 1", Judgement(False)),
        ("A good reply.", Judgement(None, "no grade in its verdict")),
    ],
)
def test_free_replies_pass_with_four_of_five(reply, said):
    assert model_judge(Said(reply))(FREE, ANSWER) == said


def test_a_judge_that_fails_or_refuses_has_not_judged():
    for reason in ("error", "refused", "filtered"):
        assert model_judge(Said("", reason))(FREE, ANSWER) == Judgement(None, reason)


def test_nothing_else_is_judged():
    model = Said("yes")
    assert model_judge(model)(item(), Extraction("A", None, "")) is None and not model.asked


def test_an_answer_that_nobody_judged_is_no_wrong_one(tiny, tmp_path):
    """It counts nowhere and is asked again, once the judge can be reached."""
    with kept(tmp_path / "o.jsonl") as log:
        judge = model_judge(Said("", "error"))
        (row,) = run(tiny, [FREE], ["zs_direct"], log, judge=judge, budgets=(4, 4), progress=False)
        assert row.errored and row.finish_reason == "judge: error" and row.judged is None
        judge = model_judge(Said("[RESULT] 5"))
        (row,) = run(tiny, [FREE], ["zs_direct"], log, judge=judge, budgets=(4, 4), progress=False)
    assert not row.errored and row.correct and row.judged


def test_free_replies_need_a_judge(tmp_path):
    data = write_rows(tmp_path / "i.jsonl", [FREE.model_dump()])
    given = ["--tasks", "biggen_bench", "--data", data, "--model", "hf:/no/such/folder"]
    fails("run", *given, "--out", tmp_path / "o", told=["its replies need a judge", "--judge"])


def test_what_a_judge_said_stays_when_the_outputs_are_scored_again(tmp_path):
    base = {"model": "m", "response": "Answer: The eternal city", "setting": "zs_cot", "id": "1"}
    short = base | {"task": "musique_all", "gold": ["Rome"], "judged": True}
    free = base | {"task": "biggen_bench", "gold": "r", "is_correct": True}
    file = write_rows(tmp_path / "o.jsonl", [short, free])
    command("score", file, "--out", tmp_path / "s")
    graded = read_rows(tmp_path / "s" / "graded.jsonl")
    assert [row["correct"] for row in graded] == [True, True]
    ungraded = write_rows(tmp_path / "u.jsonl", [base | {"task": "biggen_bench", "gold": "r"}])
    fails("score", ungraded, "--out", tmp_path / "u", told=["no `correct` of a free reply"])
