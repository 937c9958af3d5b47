from cfr.inputs.knowledge_store import KnowledgeStore
from cfr.records import Claim, Question
from cfr.retrieval.first_stage import FirstStageSettings, first_stage
from tenpapers.testing import write_rows

CLAIM = Claim(
    claim_id=4,
    claim="Oil rose.",
    date="31-10-2020",
    questions=[Question(question="By how much?"), Question(question="Did tea rise?")],
)


def test_from_pages_to_candidates(tmp_path):
    rows = [
        {"url": "u1", "url2text": ["Oil rose.", "It rose by ten percent, much more than tea."]},
        {"url": "https://www.snopes.com/oil", "url2text": ["Oil did not rise by much."]},
        {"url": "u2", "url2text": ["oil ROSE!"]},
        {"url": "u3", "url2text": ["Water is wet."]},
    ]
    write_rows(tmp_path / "4.json", rows)
    found = first_stage(
        [CLAIM], lambda claim: KnowledgeStore(tmp_path).of(claim.claim_id), FirstStageSettings(k=2)
    )
    assert (found.pages, found.windows) == (4, 2)
    assert found.removed == {"fact check": 1, "copy": 1}
    assert [(row.qid, [p.url for p in row.passages]) for row in found.candidates] == [
        ("4:0", ["u1", "u3"]),
        ("4:1", ["u1", "u3"]),
    ]


def test_a_claim_without_pages_has_no_candidates(tmp_path):
    write_rows(tmp_path / "4.json", [{"url": "u", "url2text": ["Oil rose."]}])
    found = first_stage([CLAIM], lambda claim: KnowledgeStore(tmp_path).of(claim.claim_id))
    assert [len(row.passages) for row in found.candidates] == [0, 0]
    assert found.removed == {"copy": 1}
