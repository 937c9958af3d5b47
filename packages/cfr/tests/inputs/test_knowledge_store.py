import logging

import pytest
from cfr.inputs.knowledge_store import KnowledgeStore, PagesOfClaim
from cfr.records import Page
from tenpapers.errors import UserError
from tenpapers.testing import write_rows


def test_a_claims_pages_are_its_file(tmp_path, caplog):
    rows = [
        {"url": "u1", "url2text": ["Oil rose.", " ", "Then it fell. "], "claim_id": 3},
        {"url": "u2", "url2text": []},
    ]
    write_rows(tmp_path / "3.json", rows)
    with caplog.at_level(logging.WARNING):
        store = KnowledgeStore(tmp_path).of(3)
    assert store.pages == [Page(url="u1", text="Oil rose. Then it fell.")]
    assert "1 pages have no text" in caplog.text
    with pytest.raises(UserError, match="no pages of claim 4"):
        KnowledgeStore(tmp_path).of(4)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"url2text": []}, "3.jsonl:1: missing field 'url'"),
        ({"url": "u"}, "3.jsonl:1: missing field 'url2text'"),
    ],
)
def test_a_line_that_is_no_page_is_named(tmp_path, row, told):
    write_rows(tmp_path / "3.jsonl", [row])
    with pytest.raises(UserError, match=told):
        KnowledgeStore(tmp_path).of(3)


def test_newer_pages_are_left_out_and_all_others_are_looked_at():
    pages = [
        Page(url="a", text="nothing of it", date="2020-10-30"),
        Page(url="b", text="oil prices", date="2020-11-01"),
        Page(url="c", text="oil", date=None),
        Page(url="d", text="oil prices rose", date="2020-10-31"),
        Page(url="e", text="prices of oil"),
    ]
    store = PagesOfClaim(pages)
    found = store.search("oil prices rose", "31-10-2020", 3)
    assert [page.url for page in found] == ["d", "e", "c"]
    assert [page.url for page in store.search("oil", None, None)] == list("abcde")
