from collections import Counter

from cfr.records import Candidates, Claim, Passage
from cfr.retrieval.filters import FilterSettings
from cfr.verification.judge import Judge
from cfr.verification.pipeline import Counted, Stages, allowed, checked, verify
from tenpapers.generation import open_generator

PASSAGES = [
    Passage(pid="p1", url="https://a.org/1", text="The bridge was opened in May 2013."),
    Passage(pid="p2", url="https://www.snopes.com/x", text="This is a fact check."),
    Passage(pid="p3", url="https://b.org/2", text="It cost four millions."),
]


class OnePool:
    """Finds all of the three passages for every query, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def candidates(self, queries, k):
        self.asked += [(query.qid, query.question, k) for query in queries]
        return [Candidates(**query.model_dump(), passages=PASSAGES[:k]) for query in queries]


def claim(name, *questions):
    return Claim(
        claim_id=name,
        claim="It opened in 2012.",
        questions=[{"question": one} for one in questions],
    )


def test_each_question_is_searched_read_and_judged(recorded):
    reader = recorded("reader", **{"1:0": "In May 2013.", "1:1": "Not answered.", "b:0": "2013."})
    judge = recorded("judge", **{"1": "LABEL: Refuted", "b": "LABEL: NEE"})
    pool = OnePool()
    with open_generator(reader) as reading, open_generator(judge) as judging:
        claims = [claim(1, "When?", "Who?"), claim("b", "When?")]
        found = verify(claims, pool, reading, Judge(judging), k=2)
    assert pool.asked == [("1:0", "When?", 50), ("1:1", "Who?", 50), ("b:0", "When?", 50)]
    assert [(row.claim_id, row.pred_label) for row in found] == [
        (1, "Refuted"),
        ("b", "Not Enough Evidence"),
    ]
    assert [one.model_dump() for one in found[0].evidence] == [
        {
            "question": "When?",
            "answer": "In May 2013.",
            "url": "https://a.org/1",
            "answered": True,
            "pids": ["p1", "p3"],
        },
        {"question": "Who?", "answer": "", "url": None, "answered": False, "pids": ["p1", "p3"]},
    ]


def test_a_claim_whose_request_failed_has_no_verdict(recorded):
    reader = recorded("reader", **{"1:0": "x", "3:0": "y", "2:1": "z"})
    judge = recorded("judge", **{"1": "LABEL: Refuted"})
    counted = Counted()
    with open_generator(reader) as reading, open_generator(judge) as judging:
        stages = Stages(OnePool(), reading, Judge(judging))
        claims = [claim(1, "q?"), claim(2, "q?", "r?"), claim(3, "q?")]
        found = list(checked(claims, stages, counted))
    assert [row.claim_id for row in found] == [1]
    assert counted.failed == {"2": "reader: not recorded", "3": "judge: error: not recorded"}
    assert counted.outcomes == Counter({"reader: error": 1, "judge: error": 1})
    assert (counted.requests, counted.questions, counted.unanswered) == (6, 2, 0)
    assert counted.removed == {"fact check": 4}


def test_a_claim_without_questions_is_asked_alone_or_decomposed(recorded):
    writer = recorded("writer", **{"1__questions": "When did it open?", "2__questions": "Hm."})
    reader = recorded("reader", **{"1:0": "x", "2:0": "y", "3:0": "z"})
    judge = recorded("judge", **dict.fromkeys("123", "LABEL: Refuted"))
    pool, counted = OnePool(), Counted()
    with (
        open_generator(writer) as writing,
        open_generator(reader) as reading,
        open_generator(judge) as judging,
    ):
        stages = Stages(pool, reading, Judge(judging), decomposer=writing)
        claims = [claim(1), claim(2), claim(3, "Who?")]
        found = {row.claim_id: row for row in checked(claims, stages, counted)}
    assert [question for _, question, _ in pool.asked] == ["When did it open?", "", "Who?"]
    assert found[2].evidence[0].question == "It opened in 2012."
    assert counted.without_questions == 1


def test_questions_can_be_written_for_all(recorded):
    writer = recorded("writer", **{"1__questions": "When did it open?"})
    pool, counted = OnePool(), Counted()
    with open_generator(writer) as model:
        stages = Stages(pool, model, Judge(model), decomposer=model, own_questions=False)
        list(checked([claim(1, "Who?"), claim(2, "Who?")], stages, counted))
    assert [question for _, question, _ in pool.asked] == ["When did it open?"]
    assert counted.failed["2"] == "decomposition: error: not recorded"


def test_what_gives_the_verdict_away_is_left_out():
    given = Claim(
        claim_id=1,
        claim="It opened in 2012.",
        date="3-2-2014",
        fact_checking_article="https://web.archive.org/web/2020/https://c.org/check",
    )
    passages = [
        *PASSAGES,
        Passage(pid="p4", url="http://c.org/check/", text="The verdict is in."),
        Passage(pid="p5", url="https://d.org", text="It opened in 2012!"),
        Passage.model_validate(
            {"pid": "p6", "url": "https://e.org", "text": "New.", "date": "2014-02-04"}
        ),
    ]
    removed = Counter()
    kept = allowed(passages, given, FilterSettings(), removed)
    assert [one.pid for one in kept] == ["p1", "p3"]
    assert removed == {"fact check": 1, "article": 1, "copy": 1, "newer": 1}
    assert allowed(passages, given, None, removed) == passages
