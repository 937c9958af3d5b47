from cfr.records import Claim
from cfr.verification.bounds import bounded, with_gold_evidence, without_evidence
from cfr.verification.judge import Judge
from cfr.verification.pipeline import Counted
from tenpapers.generation import open_generator

BOOLEAN = {"answer_type": "Boolean", "boolean_explanation": "It was", "source_url": "u"}
ANSWERS = [
    BOOLEAN | {"answer": "Yes."},
    {"answer": "No answer could be found.", "answer_type": "Unanswerable"},
]
CLAIM = Claim(
    claim_id=1,
    claim="c",
    questions=[{"question": "Was it?", "answers": ANSWERS}, {"question": "Who?"}],
)


def test_people_s_answers_are_the_evidence_at_best():
    assert [one.model_dump() for one in with_gold_evidence(CLAIM).evidence] == [
        {"question": "Was it?", "answer": "Yes. It was", "url": "u"},
        {"question": "Was it?", "answer": "", "url": None},
        {"question": "Who?", "answer": "", "url": None},
    ]


def test_without_evidence_the_judge_sees_the_claim_alone(recorded):
    assert without_evidence(CLAIM).evidence == []
    with open_generator(recorded(**{"1": "LABEL: Refuted"})) as model:
        counted = Counted()
        claims = [CLAIM, CLAIM.model_copy(update={"claim_id": 2})]
        (verdict,) = bounded(claims, Judge(model), counted, gold=False)
    assert verdict.pred_label == "Refuted" and verdict.evidence == []
    assert counted.failed == {"2": "judge: error: not recorded"}
