"""From a claim to the candidates of its subquestions: pages, filters, windows, BM25."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer

from ..inputs.claims import queries_of
from ..inputs.knowledge_store import PageStore
from ..records import Candidates, Claim, Page
from .bm25 import BM25
from .chunk import ChunkSettings, chunk_all
from .filters import FilterSettings, filter_copies, filter_pages
from .query_form import word_query

log = logging.getLogger(__name__)
K = 100  # windows kept a subquestion


@dataclass(frozen=True)
class FirstStageSettings(ChunkSettings, FilterSettings):
    """How candidates are found: how pages are cut, what is left out, and how many are kept."""

    k: Annotated[int, typer.Option("--k", help="Windows kept a subquestion.", min=1)] = K
    pages: Annotated[int | None, typer.Option(help="Pages of one search; default: all.", min=1)] = (
        None
    )


@dataclass(frozen=True)
class FirstStage:
    """Candidates of every subquestion, and what became of the pages.

    Parameters
    ----------
    removed : pages and windows that were left out, by reason.
    """

    candidates: list[Candidates] = field(default_factory=list)
    pages: int = 0
    windows: int = 0
    removed: Counter[str] = field(default_factory=Counter)


def first_stage(
    claims: Iterable[Claim],
    store_of: Callable[[Claim], PageStore],
    settings: FirstStageSettings | None = None,
) -> FirstStage:
    """Find candidates for the subquestions of claims, each among the pages of its own claim.

    Parameters
    ----------
    store_of : gives the pages of a claim, or a search engine.
    """
    chosen = settings or FirstStageSettings()
    found: list[Candidates] = []
    n_pages = n_windows = 0
    removed: Counter[str] = Counter()
    for claim in claims:
        queries = queries_of([claim])
        store = store_of(claim)
        every: dict[str, Page] = {}
        for query in queries:
            for page in store.search(word_query(query), claim.date, chosen.pages):
                every.setdefault(f"{page.url}\0{page.text}", page)
        kept_pages = filter_pages(every.values(), claim, chosen)
        kept = filter_copies(chunk_all(kept_pages.kept, chosen), claim, chosen)
        removed += kept_pages.removed + kept.removed
        n_pages, n_windows = n_pages + len(every), n_windows + len(kept.kept)
        own = kept.kept
        ids: Sequence[Sequence[int]] = [[] for _ in queries]
        if own:
            ids = BM25(own).search([word_query(query) for query in queries], chosen.k)[0].tolist()
        for query, rows in zip(queries, ids, strict=True):
            passages = [own[row] for row in rows if row >= 0]
            found.append(Candidates(**query.model_dump(), passages=passages))
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(removed.items()))
    log.info("%d pages, %d windows; left out: %s", n_pages, n_windows, told or "nothing")
    return FirstStage(found, n_pages, n_windows, removed)
