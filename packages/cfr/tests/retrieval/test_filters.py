from cfr.records import Claim, Page, Passage
from cfr.retrieval.filters import FilterSettings, filter_copies, filter_pages, jaccard

CLAIM = Claim(
    claim_id=1,
    claim="Oil rose by ten percent in the whole last year of 2020.",
    date="31-10-2020",
    fact_checking_article="https://web.archive.org/web/2020/https://www.lead.com/oil/",
)
PAGES = [
    Page(url="https://a.b/1", text="t", date="2020-10-31"),
    Page(url="https://a.b/2", text="t", date="2020-11-01"),
    Page(url="http://lead.com/oil", text="t"),
    Page(url="https://www.snopes.com/oil", text="t"),
    Page(url="https://a.b/5", text="t"),
]


def test_what_gives_the_verdict_away_is_left_out_and_counted():
    found = filter_pages(PAGES, CLAIM)
    assert [page.url for page in found.kept] == ["https://a.b/1", "https://a.b/5"]
    assert found.removed == {"newer": 1, "article": 1, "fact check": 1}


def test_each_filter_can_be_switched_off():
    off = FilterSettings(newer=False, fact_checks=False, article=False)
    assert filter_pages(PAGES, CLAIM, off).kept == PAGES


def test_a_claim_without_date_or_article_lets_those_in():
    plain = CLAIM.model_copy(update={"date": None, "fact_checking_article": None})
    assert filter_pages(PAGES, plain).removed == {"fact check": 1}


def test_near_copies_of_the_claim_are_left_out():
    same = Passage(pid="a", text="OIL rose by ten percent in the whole last year of 2020")
    more = Passage(pid="b", text=f"{same.text} says one report")
    found = filter_copies([same, more], CLAIM)
    assert (found.kept, found.removed) == ([more], {"copy": 1})
    assert filter_copies([more], CLAIM, FilterSettings(copies=0.7)).kept == []


def test_shared_words_of_all_words():
    assert jaccard(frozenset("abc"), frozenset("bcde")) == 0.4
    assert jaccard(frozenset(), frozenset()) == 0
