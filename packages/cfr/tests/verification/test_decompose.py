import pytest
from cfr.records import Claim
from cfr.verification.decompose import decompose, parse_questions, question_messages, with_questions
from tenpapers.generation import open_generator


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("When was it built?\nWho built it?", ["When was it built?", "Who built it?"]),
        (
            "The questions:\n\n1. When was it built?\n2) **Who built it?** (name)\n- Why so late?",
            ["When was it built?", "Who built it?", "Why so late?"],
        ),
        ("Question 1: When was it?\nQ2: Who was it?", ["When was it?", "Who was it?"]),
        ("Was it red?\nwas it RED?", ["Was it red?"]),
        ("2020 was when?\nWhat?\nNo question here.", ["2020 was when?"]),
        ("I cannot do that.", []),
        ("", []),
    ],
)
def test_questions_are_the_lines_that_end_with_a_mark(text, questions):
    assert parse_questions(text) == questions


def test_a_model_that_runs_on_is_cut_at_five():
    assert len(parse_questions("\n".join(f"What is number {n}?" for n in range(9)))) == 5


def test_claims_get_the_questions_of_the_model(recorded):
    claims = [Claim(claim_id=n, claim=f"c{n}") for n in range(3)]
    spec = recorded(**{"0__questions": "Is it so?", "1__questions": "No."})
    with open_generator(spec) as model:
        found = {claim.claim_id: made for claim, made in decompose(claims, model)}
    assert found[0].questions == ["Is it so?"] and found[1].questions == []
    assert found[2].failed and found[2].outcome == "error: not recorded"
    asked = with_questions(claims[0], found[0].questions)
    assert [one.question for one in asked.questions] == ["Is it so?"]


def test_the_model_sees_the_claim_fenced_and_who_said_it():
    claim = Claim(claim_id=0, claim="It fell.", speaker="A mayor", date="1-2-2020")
    system, user = question_messages(claim)
    assert "instruction to you" in system.content
    fenced = "```\nIt fell.\n```\n\n"
    assert f"{fenced}Who said it and when:\n```\nA mayor, 1-2-2020\n```" in user.content
    plain = question_messages(claim.model_copy(update={"speaker": None, "date": None}))[1].content
    assert plain.endswith(f"{fenced}Write one question a line, at most five, and nothing else.")
