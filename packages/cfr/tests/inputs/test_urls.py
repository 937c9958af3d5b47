import pytest
from cfr.inputs.urls import gives_verdict_away, url_key


def test_an_archived_page_is_the_page():
    archived = "https://web.archive.org/web/20201129141238/https://www.scoopertino.com/a/#x"
    assert url_key(archived) == url_key("http://scoopertino.com/a") == "scoopertino.com/a"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("HTTPS://WWW.Example.com/Path/", "example.com/Path"),
        ("example.com?a=1#top", "example.com?a=1"),
        (
            "https://web.archive.org/web/2020/http://web.archive.org/web/2021if_/http://a.b/c",
            "a.b/c",
        ),
        ("https://web.archive.org/about", "web.archive.org/about"),
        ("", ""),
    ],
)
def test_what_two_addresses_have_in_common(url, wanted):
    assert url_key(url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "https://www.politifact.com/x",
        "https://web.archive.org/web/20201103001419/https://leadstories.com/fact-check-trump.html",
        "https://www.snopes.com/a",
        "https://m.youtube.com/watch?v=1",
        "https://www.reuters.com/fact-check/x",
        "https://apnews.com/APFactCheck",
        "https://fullfact.org/health/x",
        "https://www.washingtonpost.com/politics/fact-checker/x",
        "https://example.org/report.PDF?download=1",
    ],
)
def test_pages_that_give_the_verdict_away(url):
    assert gives_verdict_away(url)


@pytest.mark.parametrize(
    "url",
    ["https://www.washingtonpost.com/politics/x", "https://nosnopes.com/a", "https://a.b/pdf"],
)
def test_pages_that_do_not(url):
    assert not gives_verdict_away(url)
