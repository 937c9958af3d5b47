"""Detected responses in, criticised responses out."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pydantic import BaseModel
from tenpapers.journal import Journal

from ..records import WHOLE_RESPONSE, Critique, Critiqued, Detected, Recipe
from .critic import Critic, CritiqueRequest, has_failed, requests_of


class Named(Protocol):
    """What has an id."""

    @property
    def id(self) -> str:
        """Of the row."""
        ...


RowT = TypeVar("RowT", bound=BaseModel)
ItemT = TypeVar("ItemT", bound=Named)
DetectedT = TypeVar("DetectedT", bound=Detected)


@dataclass
class Counted:
    """What happened on the way, beside what stands in the rows.

    Parameters
    ----------
    failed : responses of which a request got no answer, with its words; they have no row and are
        asked again by the next run.
    undetected : responses whose sentences the detector did not label, with its words.
    """

    failed: dict[str, str] = field(default_factory=dict)
    undetected: dict[str, str] = field(default_factory=dict)


class Clock:
    """Seconds that a stage took since it was last asked; what others did in between is left out."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the clock was started or resumed."""
        return round(time.perf_counter() - self._since, 4)

    def resume(self) -> None:
        """Start again."""
        self._since = time.perf_counter()


def kept_rows(
    journal: Journal,
    name: str,
    kind: type[RowT],
    items: Sequence[ItemT],
    make: Callable[[Sequence[ItemT]], Iterable[RowT]],
) -> list[RowT]:
    """Rows of a step in the items' order: those that its file has, and those that are missing.

    Parameters
    ----------
    make : rows of items, in any order; it is called where any are missing, and each row is written
        as it comes. An item without one is asked again by the next run.
    """
    with journal.rows(name) as log:
        if missing := log.missing(items):
            for row in make(missing):
                log.write(row)
        log.close(order=[item.id for item in items])
    return [kind.model_validate(row) for row in log.rows.values()]


def labelled(rows: Iterable[DetectedT], counted: Counted) -> Iterator[DetectedT]:
    """Rows whose detection did not fail; the others are told in `counted`."""
    for row in rows:
        if row.error:
            counted.undetected[row.id] = f"detector: {row.error}"
        else:
            yield row


def critiqued_rows(
    rows: Sequence[Detected],
    critic: Critic,
    counted: Counted,
    *,
    all_sentences: bool = False,
    progress: str | None = None,
) -> Iterator[Critiqued]:
    """Responses with critiques, as they are done, in any order.

    One of which a critique failed is left out, and told in `counted`.

    Parameters
    ----------
    all_sentences : criticise supported sentences too (Feed+Refine).
    """
    clock = Clock()
    recipe: Recipe = "feed_refine" if all_sentences else "dcr"
    asked: dict[str, list[CritiqueRequest]] = {}
    for row in labelled(rows, counted):
        requests = requests_of(row, all_sentences=all_sentences)
        if critic.whole_response and requests:
            whole = (0, len(row.response))
            requests = [CritiqueRequest(row, WHOLE_RESPONSE, row.response, whole)]
        if requests:
            asked[row.id] = requests
        else:
            yield _row(row, [], recipe, critic, clock.lap())
            clock.resume()
    row_of = {row.id: row for row in rows}
    done: dict[str, list[Critique]] = {name: [] for name in asked}
    everything = [request for requests in asked.values() for request in requests]
    for request, critique in critic.stream(everything, progress=progress) if everything else ():
        name = request.instance.id
        done[name].append(critique)
        if len(done[name]) < len(asked[name]):
            continue
        critiques = sorted(done.pop(name), key=lambda one: one.sentence_idx)
        if failed := next((one.finish_reason for one in critiques if has_failed(one)), ""):
            counted.failed[name] = f"critic: {failed}"
            continue
        yield _row(row_of[name], critiques, recipe, critic, clock.lap())
        clock.resume()


def _row(
    row: Detected,
    critiques: Sequence[Critique],
    recipe: Recipe,
    critic: Critic,
    seconds: float,
) -> Critiqued:
    told = {
        "critiques": critiques,
        "critic": critic.name,
        "recipe": recipe,
        "calls": len(critiques) if critic.asks_model else 0,
        "timings": {"critique": seconds},
    }
    return Critiqued.model_validate(dict(row) | told)
