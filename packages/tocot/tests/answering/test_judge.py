import pytest
from tenpapers.generation import Completion
from tocot.answering.judge import model_judge
from tocot.records import Extraction

from ..conftest import item


class Said:
    """A model that always says the same."""

    def __init__(self, text):
        self.text = text
        self.asked = []

    def generate(self, requests):
        self.asked += requests
        done = {"text": self.text, "finish_reason": "stop"}
        return [Completion(id=request.id, **done) for request in requests]


@pytest.mark.parametrize(("reply", "right"), [(" Yes.", True), ("no", False), ("hm", False)])
def test_short_answers_are_judged_by_yes_or_no(reply, right):
    model = Said(reply)
    short = item(task="musique_all", answer_kind="short", gold=["Rome", "Roma"], choices=None)
    assert model_judge(model)(short, Extraction("Oslo", None, "")) is right
    (request,) = model.asked
    text = request.messages[0].content
    assert "Rome; Roma" in text and "Oslo" in text and request.sampling.max_tokens == 8


@pytest.mark.parametrize(("reply", "right"), [("Fine. [RESULT] 4", True), ("[RESULT] 3", False)])
def test_free_replies_pass_with_four_of_five(reply, right):
    free = item(task="biggen_bench", answer_kind="judge", gold="r", choices=None)
    assert model_judge(Said(reply))(free, Extraction("My reply", None, "")) is right


def test_nothing_else_is_judged():
    model = Said("yes")
    assert model_judge(model)(item(), Extraction("A", None, "")) is None and not model.asked
