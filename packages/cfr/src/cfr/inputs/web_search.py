"""A search engine over HTTP as a store of pages; its key comes from the environment alone."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tenpapers.errors import UserError

from ..records import Page
from .claims import parse_date
from .urls import gives_verdict_away

KEY = "CFR_SEARCH_KEY"
ADDRESS = "CFR_SEARCH_URL"
# Pages from here to the claim's date are wanted, as by the group's earlier system.
_FIRST = date(2000, 1, 1)
_SECONDS, _MOST = 30, 50  # for an answer; hits of one request
# What search engines call the same things: where the hits stand in their answer, and in a hit.
_LISTS = (("webPages", "value"), ("results",), ("items",), ("pages",))
_FIELDS = {
    "url": ("url", "link"),
    "title": ("title", "name"),
    "text": ("text", "content", "snippet", "description"),
    "date": ("date", "datePublished", "published_date"),
}


@dataclass(frozen=True)
class WebSearch:
    """A search engine that answers `GET address?q=..&count=..&freshness=FROM..TO` with JSON.

    The key goes into the header `Ocp-Apim-Subscription-Key` and `Authorization: Bearer`; it is read
    from $CFR_SEARCH_KEY when a query is sent, kept nowhere, and told by no message.

    Parameters
    ----------
    address : default $CFR_SEARCH_URL.
    whole_pages : fetch each page and take its text (trafilatura), not what the engine quotes.
    """

    address: str = ""
    whole_pages: bool = False

    def search(self, query: str, before_date: str | None, k: int | None) -> Sequence[Page]:
        """The k best pages (10 where k is None), fact checkers' left out.

        Raises
        ------
        UserError : no address or key, the engine is out of reach or says no.
        """
        address, key = self.address or os.environ.get(ADDRESS, ""), os.environ.get(KEY, "")
        if not address:
            raise UserError("no search engine", f"set {ADDRESS} to its address")
        if not key:
            raise UserError(f"{_host(address)}: no key for it", f"set {KEY}")
        wanted = k or 10
        # More than wanted, because fact checkers are left out of them.
        asked: dict[str, str] = {"q": query, "count": str(min(_MOST, 2 * wanted))}
        limit = parse_date(before_date)
        if limit:
            asked["freshness"] = f"{_FIRST.isoformat()}..{limit.isoformat()}"
        hits = _hits(_get(address, key, asked))
        pages = [page for hit in hits if (page := _page(hit)) is not None]
        kept = [page for page in pages if not gives_verdict_away(page.url)][:wanted]
        return [self._whole(page) for page in kept] if self.whole_pages else kept

    def _whole(self, page: Page) -> Page:
        """A page with all its text, where it can be had."""
        try:
            import trafilatura
        except ImportError:
            raise UserError("trafilatura is not installed", "pip install trafilatura") from None
        fetched = trafilatura.fetch_url(page.url)
        text = trafilatura.extract(fetched) if fetched else None
        return page.model_copy(update={"text": text}) if text else page


def _get(address: str, key: str, asked: Mapping[str, str]) -> Any:
    import requests

    headers = {"Ocp-Apim-Subscription-Key": key, "Authorization": f"Bearer {key}"}
    try:
        response = requests.get(address, params=asked, headers=headers, timeout=_SECONDS)
    except requests.RequestException as error:
        # Not the exception's own words: they may quote the request.
        raise UserError(f"{_host(address)}: cannot be reached: {type(error).__name__}") from None
    if not response.ok:
        raise UserError(f"{_host(address)}: says {response.status_code} {response.reason}")
    try:
        return response.json()
    except ValueError:
        raise UserError(f"{_host(address)}: its answer is not JSON") from None


def _hits(answer: Any) -> list[Any]:
    for path in _LISTS:
        found = answer
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, list):
            return found
    return []


def _page(hit: Any) -> Page | None:
    """A hit as a page; None without an address or text."""
    if not isinstance(hit, dict):
        return None
    found = {
        name: next((hit[known] for known in names if isinstance(hit.get(known), str)), None)
        for name, names in _FIELDS.items()
    }
    if not (found["url"] and found["text"]):
        return None
    return Page(
        url=found["url"], title=found["title"] or "", text=found["text"], date=found["date"]
    )


def _host(address: str) -> str:
    """The part of an address that may be told."""
    return address.partition("://")[2].partition("/")[0].rpartition("@")[2] or "search engine"
