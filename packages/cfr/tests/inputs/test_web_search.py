import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from cfr.inputs.web_search import ADDRESS, KEY, WebSearch
from cfr.records import Page
from tenpapers.errors import UserError

ANSWER = {
    "webPages": {
        "value": [
            {
                "url": "https://a.b/1",
                "name": "One",
                "snippet": "oil",
                "datePublished": "2020-01-02",
            },
            {"url": "https://www.snopes.com/x", "name": "No", "snippet": "false"},
            {"url": "https://a.b/2"},
            {"url": "https://a.b/3", "name": "Three", "snippet": "prices"},
        ]
    }
}


@pytest.fixture
def engine():
    """A search engine on loopback: its address, and what it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((parse_qs(urlsplit(self.path).query), dict(self.headers)))
            good = self.headers["Authorization"] == "Bearer secret-1"
            self.send_response(200 if good else 401)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWER).encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/search", asked
        server.shutdown()


def test_pages_before_the_claim_without_fact_checkers(engine, monkeypatch):
    address, asked = engine
    monkeypatch.setenv(KEY, "secret-1")
    monkeypatch.setenv(ADDRESS, address)
    assert WebSearch().search("oil?", "3-1-2021", 5) == [
        Page(url="https://a.b/1", title="One", text="oil", date="2020-01-02"),
        Page(url="https://a.b/3", title="Three", text="prices"),
    ]
    ((query, _),) = asked
    assert query == {"q": ["oil?"], "count": ["10"], "freshness": ["2000-01-01..2021-01-03"]}


def test_the_key_is_in_no_message(engine, monkeypatch):
    address, _ = engine
    monkeypatch.setenv(KEY, "secret-2")
    with pytest.raises(UserError, match="says 401") as refused:
        WebSearch(address).search("oil", None, 1)
    with pytest.raises(UserError, match="cannot be reached: ConnectionError") as lost:
        WebSearch("http://user:secret-2@127.0.0.1:9/").search("oil", None, 1)
    for error in (refused, lost):
        assert "secret-2" not in str(error.value)
    assert "secret-2" not in repr(WebSearch(address))


def test_without_address_or_key_it_says_what_to_set(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(UserError, match=f"set {ADDRESS}"):
        WebSearch().search("oil", None, 1)
    with pytest.raises(UserError, match=f"set {KEY}"):
        WebSearch("http://127.0.0.1:9").search("oil", None, 1)
