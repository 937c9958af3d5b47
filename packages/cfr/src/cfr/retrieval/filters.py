"""What may not be evidence: pages newer than the claim, fact checks, copies of the claim itself."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import typer

from ..inputs.claims import parse_date
from ..inputs.knowledge_store import is_newer
from ..inputs.urls import gives_verdict_away, url_key
from ..records import Claim, Page, Passage


@dataclass(frozen=True)
class FilterSettings:
    """What is left out; all of it would give the verdict away, or repeat the claim."""

    newer: Annotated[bool, typer.Option(help="Leave out pages newer than the claim.")] = True
    fact_checks: Annotated[bool, typer.Option(help="Leave out fact checkers' pages.")] = True
    article: Annotated[bool, typer.Option(help="Leave out the article the claim is from.")] = True
    copies: Annotated[
        float,
        typer.Option(help="Leave out texts whose words are the claim's (Jaccard above this)."),
    ] = 0.9


class FilteredPages(NamedTuple):
    """Pages that may be evidence, and how many were removed for which reason."""

    kept: list[Page]
    removed: Counter[str]


class FilteredPassages(NamedTuple):
    """Passages that say more than the claim, and how many were removed."""

    kept: list[Passage]
    removed: Counter[str]


def filter_pages(
    pages: Iterable[Page], claim: Claim, settings: FilterSettings | None = None
) -> FilteredPages:
    """Leave out pages that give a claim's verdict away.

    Returns
    -------
    The others; and by reason ("newer", "fact check", "article") how many were removed.
    """
    chosen = settings or FilterSettings()
    limit = parse_date(claim.date)
    article = url_key(claim.fact_checking_article or "")
    kept: list[Page] = []
    removed: Counter[str] = Counter()
    for page in pages:
        if chosen.newer and is_newer(page, limit):
            removed["newer"] += 1
        elif chosen.article and article and url_key(page.url) == article:
            removed["article"] += 1
        elif chosen.fact_checks and gives_verdict_away(page.url):
            removed["fact check"] += 1
        else:
            kept.append(page)
    return FilteredPages(kept, removed)


def filter_copies(
    passages: Iterable[Passage], claim: Claim, settings: FilterSettings | None = None
) -> FilteredPassages:
    """Leave out passages that say nearly the claim's own words ("copy")."""
    chosen = settings or FilterSettings()
    words = _words(claim.claim)
    kept: list[Passage] = []
    removed: Counter[str] = Counter()
    for passage in passages:
        if jaccard(words, _words(passage.text)) > chosen.copies:
            removed["copy"] += 1
        else:
            kept.append(passage)
    return FilteredPassages(kept, removed)


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Share of the words of two texts that both have; 0 where neither has any."""
    together = len(first | second)
    return len(first & second) / together if together else 0.0


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))
