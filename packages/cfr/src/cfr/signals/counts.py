"""What a signal said of the queries, in numbers: nothing is left out in silence."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..records import Labels


@dataclass(frozen=True)
class LabelCounts:
    """Labels of a signal, counted.

    Parameters
    ----------
    queries : that were looked at; `without_labels` of them got none, for the reasons in `why`.
    positive, negative, unused : passages by what was said of them.
    failed : requests to a model that got no answer.
    notes : what else happened, by name: entries ignored, answers cut, replies asked for again.
    """

    queries: int
    without_labels: int
    positive: int
    negative: int
    unused: int
    failed: int = 0
    why: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is printed with `--json`."""
        return asdict(self)

    def told(self) -> str:
        """In words."""
        said = [
            f"{self.queries} queries: {self.positive} passages positive, {self.negative} negative, "
            f"{self.unused} neither",
            f"{self.without_labels} queries without labels"
            + "".join(f"; {name}: {count}" for name, count in self.why.items()),
            *(f"{name}: {count}" for name, count in self.notes.items()),
        ]
        if self.failed:
            said.append(f"{self.failed} requests failed; run it again")
        return "\n".join(said)


def count_labels(
    rows: Sequence[Labels], *, failed: int = 0, notes: Iterable[tuple[str, int]] = ()
) -> LabelCounts:
    """Count what stands in labels; why a query has none is in its field `skipped`."""
    said = Counter(judgement.rel for row in rows for judgement in row.judgements)
    why = Counter(row.skipped for row in rows if row.skipped)
    return LabelCounts(
        queries=len(rows),
        without_labels=sum(all(j.rel is None for j in row.judgements) for row in rows),
        positive=said[1],
        negative=said[0],
        unused=said[None],
        failed=failed,
        why=dict(sorted(why.items())),
        notes={name: count for name, count in notes if count},
    )
