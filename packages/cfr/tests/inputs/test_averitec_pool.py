import pytest
from cfr.inputs.averitec_pool import averitec_pool, build_pool
from cfr.inputs.claims import claim_key
from cfr.records import Answer, Claim, Passage, Question


def claim(number, *questions):
    return Claim(claim_id=number, claim=f"claim {number}", questions=questions)


def test_web_sentences_then_answers_each_text_once():
    boolean = Answer(answer="No.", answer_type="Boolean", boolean_explanation="it fell last year.")
    claims = [
        claim(
            0,
            Question(question="q", answers=[boolean, Answer(answer="it  rose in all of 2020")]),
            Question(question="short", answers=[Answer(answer="it rose")]),
            Question(
                question="none",
                answers=[
                    Answer(answer="No answer could be found.", answer_type="Unanswerable"),
                ],
            ),
        ),
        claim(1, Question(question="r", answers=[Answer(answer="oil is sold in barrels")])),
    ]
    web = {
        "0": [Passage(pid="", url="u", text="oil is  sold in barrels")],
        "1": [Passage(pid="", url="v", text="tea")],
    }
    pool = build_pool(claims, web, train_claims=1)
    assert [(p.pid, p.text, p.pseudo) for p in pool.passages] == [
        ("p0", "oil is sold in barrels", True),
        ("p1", "No. it fell last year.", True),
        ("p2", "it rose in all of 2020", True),
        ("p3", "tea", False),
    ]
    assert [(q.query.qid, q.relevant, q.train) for q in pool.queries] == [
        ("0:0", {"p1", "p2"}, True),
        ("1:0", {"p0"}, False),
    ]
    assert [p.pid for p in pool.answers_only] == ["p0", "p1", "p2"]


@pytest.mark.acceptance
def test_the_pool_of_four_hundred_claims(data):
    pool = averitec_pool(data)
    assert len(pool.passages) == 4619
    assert (len(pool.queries), len(pool.train), len(pool.test)) == (877, 651, 226)
    relevant = {pid for query in pool.queries for pid in query.relevant}
    assert relevant == {passage.pid for passage in pool.answers_only}


@pytest.mark.acceptance
def test_claims_that_repeat_are_seen(data):
    from cfr.inputs.claims import read_claims

    claims = read_claims(data / "averitec_dev_0_399.jsonl.gz")
    assert len(claims) == 400
    assert len({claim_key(claim.claim) for claim in claims}) == 391
