"""Web addresses: when two are one page, and which pages give a verdict away."""

import re

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ARCHIVE = re.compile(r"^(www\.)?web\.archive\.org/web/\d+[a-z_]*/", re.IGNORECASE)

# Sites of fact checkers (and of videos, which hold no text) that the group's earlier system skips.
_EXCLUDED_SITES = ("politifact.com", "factcheck.org", "snopes.com", "fullfact.org", "youtube.com")
# Sections of newspapers that check facts.
_EXCLUDED_SECTIONS = (
    "washingtonpost.com/news/fact-checker",
    "washingtonpost.com/politics/fact-checker",
    "apnews.com/apfactcheck",
    "apnews.com/hub/ap-fact-check",
    "reuters.com/fact-check",
    "reuters.com/news/archive/reutersfactcheck",
)
_EXCLUDED_WORDS = ("fact-check", "factcheck")


def url_key(url: str) -> str:
    """What two addresses of one page have in common.

    Scheme, `www.`, a trailing slash, the fragment and the prefix of the Internet Archive are taken
    off, and the host is in lower case.
    """
    text = url.strip()
    while True:
        bare = _SCHEME.sub("", text)
        inner = _ARCHIVE.sub("", bare)
        if inner == bare:
            break
        text = inner
    host, slash, path = bare.partition("#")[0].partition("/")
    return f"{host.lower().removeprefix('www.')}{slash}{path}".rstrip("/")


def gives_verdict_away(url: str) -> bool:
    """Whether a page is a fact checker's, or of a kind that is not searched (videos, PDFs)."""
    key = url_key(url).lower()
    host, _, path = key.partition("/")
    return (
        any(host == site or host.endswith(f".{site}") for site in _EXCLUDED_SITES)
        or any(section in key for section in _EXCLUDED_SECTIONS)
        or any(word in key for word in _EXCLUDED_WORDS)
        or path.partition("?")[0].endswith(".pdf")
    )
