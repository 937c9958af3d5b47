"""Rows of a run: appended as they come, asked again where they failed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from ..closing import Closing
from ..records import Appender, read_json_lines, write_jsonl
from .key import Row

ItemT = TypeVar("ItemT")


class RowLog(Closing):
    """Rows that are appended as they come; of two rows with one key the later counts."""

    def __init__(
        self, path: Path, *, key: Callable[[Row], str], failed: Callable[[Row], bool]
    ) -> None:
        self.path = path
        self._key, self._failed = key, failed
        self._appender = Appender(path)
        self.rows: dict[str, Row] = {}
        self._lines = 0
        for _, row in read_json_lines(path):
            self._keep(row)

    def _keep(self, row: Row) -> None:
        self._lines += 1
        self.rows[self._key(row)] = row

    def missing(
        self, items: Iterable[ItemT], *, key: Callable[[ItemT], str] | None = None
    ) -> list[ItemT]:
        """Items without a row that succeeded; what failed before is among them.

        Parameters
        ----------
        key : of an item; default its `id`.
        """
        name = key or (lambda item: str(item.id))  # type: ignore[attr-defined]
        kept = {own for own, row in self.rows.items() if not self._failed(row)}
        return [item for item in items if name(item) not in kept]

    @property
    def n_failed(self) -> int:
        """How many rows failed and were not answered since."""
        return sum(self._failed(row) for row in self.rows.values())

    def write(self, *rows: BaseModel | Row) -> None:
        """Append rows, safe against the end of this process."""
        plain = [row.model_dump(mode="json") if isinstance(row, BaseModel) else row for row in rows]
        self._appender.write(*plain)
        for row in plain:
            self._keep(row)

    def close(self, order: Sequence[str] | None = None) -> None:
        """Close the file; of rows that were asked again the last one stays.

        Parameters
        ----------
        order : keys in which the rows are to stand; others come behind them.
        """
        self._appender.close()
        as_they_came = list(self.rows)
        first = {name: self.rows[name] for name in order or () if name in self.rows}
        self.rows = first | self.rows
        if self._lines > len(self.rows) or as_they_came != list(self.rows):
            write_jsonl(self.path, self.rows.values())
            self._lines = len(self.rows)
