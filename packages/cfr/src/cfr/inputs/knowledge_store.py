"""Where the pages come from: a search engine, or what was collected before for each claim."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import ClaimId, Page
from .claims import parse_date

log = logging.getLogger(__name__)
_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


class PageStore(Protocol):
    """Gives the pages that a query finds."""

    def search(self, query: str, before_date: str | None, k: int | None) -> Sequence[Page]:
        """The k best pages for a query, best first.

        Parameters
        ----------
        before_date : newer pages are left out where their date is known; None lets all in.
        k : None for all that there are.
        """
        ...


@dataclass(frozen=True)
class PagesOfClaim:
    """The pages that were collected for one claim."""

    pages: Sequence[Page]

    def search(self, query: str, before_date: str | None, k: int | None) -> Sequence[Page]:
        """Those with most of the query's words first; of equals the first in the file.

        All pages are looked at, and only then the k best kept.
        """
        limit = parse_date(before_date)
        old = [page for page in self.pages if not is_newer(page, limit)]
        if k is None or len(old) <= k:
            return old
        wanted = _words(query)
        order = sorted(range(len(old)), key=lambda row: -len(wanted & _words(old[row].text)))
        return [old[row] for row in order[:k]]


@dataclass(frozen=True)
class KnowledgeStore:
    """A folder of AVeriTeC's knowledge store: one file for each claim, one page in each line.

    Parameters
    ----------
    folder : holds `CLAIM_ID.json` or `.jsonl`, also compressed (`.gz`); a line has `url` and
        `url2text`, a list of sentences.
    """

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise UserError(f"{self.folder}: no such folder", "one file for each claim is wanted")

    def of(self, claim_id: ClaimId) -> PagesOfClaim:
        """The pages of one claim.

        Raises
        ------
        UserError : it has no file, or a line of it is no page.
        """
        names = [self.folder / f"{claim_id}{ending}" for ending in _ENDINGS]
        file = next((name for name in names if name.is_file()), None)
        if file is None:
            raise UserError(
                f"{self.folder}: no pages of claim {claim_id} in it", f"{names[0].name}"
            )
        return PagesOfClaim(read_store(file))


def read_store(file: Path) -> list[Page]:
    """Pages of a file of the knowledge store; how many have no text is said.

    Raises
    ------
    UserError : a line that is not JSON, or has no `url`, or neither `url2text` nor `text`.
    """
    pages, empty = [], 0
    for number, row in read_json_lines(file):
        page = _page(row, f"{file}:{number}")
        if page.text:
            pages.append(page)
        empty += not page.text
    if empty:
        log.warning("%s: %d pages have no text", file, empty)
    return pages


def is_newer(page: Page, limit: date | None) -> bool:
    """Whether a page is known to be newer than a date; where either is unknown it is not."""
    written = parse_date(page.date)
    return written is not None and limit is not None and written > limit


def _page(row: Any, where: str) -> Page:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str):
        raise UserError(f"{where}: missing field 'url'")
    sentences = row.get("url2text", row.get("text"))
    if isinstance(sentences, str):
        sentences = [sentences]
    if not isinstance(sentences, list):
        raise UserError(f"{where}: missing field 'url2text'")
    text = " ".join(str(sentence).strip() for sentence in sentences if str(sentence).strip())
    return Page(url=row["url"], title=row.get("title") or "", text=text, date=row.get("date"))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
