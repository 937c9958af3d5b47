"""Scores of examples as they are done, so that a killed run goes on."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from tenpapers.errors import UserError
from tenpapers.records import Appender, Record, read_jsonl

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def text_digest(text: str) -> str:
    """A short hash of a text, for the key of a run."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Noted(Record):
    """Base of what is kept of one example; `key` names the run."""

    id: str
    key: str


class ScoredExample(Noted):
    """One example's scores [L][H] (None is NaN), or why it has none."""

    scores: list[list[float | None]] | None = None
    skipped: str = ""
    answer: str = ""


class Values(Noted):
    """One example's numbers."""

    values: list[float]


NotedT = TypeVar("NotedT", bound=Noted)


class Journal(Generic[NotedT]):
    """What an earlier run has done, and where this one adds.

    Parameters
    ----------
    file : JSON lines beside the output; None keeps nothing.
    key : settings of the run; records of other settings are an error.
    """

    kind: type[NotedT]

    def __init__(self, file: Path | None = None, key: str = "") -> None:
        self.file = file
        self.key = key
        self.known: dict[str, NotedT] = {}
        self._sink: Appender | None = None

    @classmethod
    @contextmanager
    def beside(cls, out: Path, key: str, *, resume: bool) -> Iterator[Self]:
        """Keep in `OUT.partial.jsonl`; removed when the block ends well.

        Raises
        ------
        UserError : resuming a run of other settings.
        """
        kept = cls(out.with_name(out.name + ".partial.jsonl"), key)
        assert kept.file is not None
        with Appender(kept.file, overwrite=not resume) as sink:
            kept._sink = sink
            for record in read_jsonl(kept.file, cls.kind, allow_empty=True):
                if record.key != key:
                    raise UserError(
                        f"{kept.file}: is of a run with other settings", "drop --resume"
                    )
                kept.known[record.id] = record
            yield kept
        kept.file.unlink()

    def note(self, record: NotedT) -> None:
        """Keep a record."""
        self.known[record.id] = record
        if self._sink is not None:
            self._sink.write(record)


class KeptValues(Journal[Values]):
    """Numbers of examples: `known[id].values`."""

    kind = Values

    def add(self, name: str, values: Sequence[float]) -> None:
        """Note one example."""
        self.note(Values(id=name, key=self.key, values=list(values)))


class Kept(Journal[ScoredExample]):
    """Scores of examples."""

    kind = ScoredExample

    def add(
        self,
        name: str,
        scores: "Float[Tensor, 'layers heads'] | None" = None,
        *,
        skipped: str = "",
        answer: str = "",
    ) -> None:
        """Note one example: its scores, or the reason why there are none."""
        rows = None
        if scores is not None:
            rows = [[None if v != v else v for v in row] for row in scores.tolist()]
        self.note(ScoredExample(id=name, key=self.key, scores=rows, skipped=skipped, answer=answer))

    def scores(
        self, names: list[str]
    ) -> "tuple[Float[Tensor, 'examples layers heads'], list[str]]":
        """Scores of those of the names that have any, and their ids."""
        import torch

        ids: list[str] = []
        tensors: list[torch.Tensor] = []
        for name in names:
            record = self.known.get(name)
            if record is not None and record.scores is not None:
                rows = [[math.nan if v is None else v for v in row] for row in record.scores]
                ids.append(name)
                tensors.append(torch.tensor(rows))
        return (torch.stack(tensors) if tensors else torch.empty(0)), ids
