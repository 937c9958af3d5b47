"""Labels that come as they are done, as a list in the order of the queries."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol

from ..records import Candidates, Labels

P = ParamSpec("P")


class Outcome(Protocol):
    """What a signal gives for a query."""

    @property
    def labels(self) -> Labels:
        """Of the query's passages."""
        ...


def in_order(
    signal: Callable[Concatenate[Sequence[Candidates], P], Iterator[Outcome]],
) -> Callable[Concatenate[Sequence[Candidates], P], list[Labels]]:
    """A signal whose labels come as they are done, as one that gives them all, query by query."""

    @wraps(signal)
    def whole(candidates: Sequence[Candidates], *args: P.args, **kwargs: P.kwargs) -> list[Labels]:
        by_qid = {done.labels.qid: done.labels for done in signal(candidates, *args, **kwargs)}
        return [by_qid[row.qid] for row in candidates]

    return whole
