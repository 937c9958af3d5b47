"""Scores of examples as they are done: in a log that outlives a kill, or in memory alone."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenpapers.journal import RowLog

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class ExampleRows:
    """What is known of examples, by id; head scores [L][H] (None is NaN), or plain numbers.

    Parameters
    ----------
    log : of a journal; None keeps the rows in memory.
    """

    def __init__(self, log: RowLog | None = None) -> None:
        self._log = log
        self.rows: dict[str, dict[str, Any]] = {} if log is None else log.rows

    def _add(self, name: str, **fields: object) -> None:
        row = {"id": name} | fields
        if self._log is None:
            self.rows[name] = row
        else:
            self._log.write(row)

    def add_values(self, name: str, values: Sequence[float]) -> None:
        """Note the numbers of one example."""
        self._add(name, values=list(values))

    def values(self, name: str) -> list[float]:
        """Numbers of one example."""
        values: list[float] = self.rows[name]["values"]
        return values

    def add_scores(
        self,
        name: str,
        scores: "Float[Tensor, 'layers heads'] | None" = None,
        *,
        skipped: str = "",
        answer: str = "",
        steps: tuple[int, int] = (0, 0),
    ) -> None:
        """Note one example: its scores, or the reason why there are none.

        Parameters
        ----------
        steps : how many tokens the answer has, and how many of these steps do not count.
        """
        plain = None
        if scores is not None:
            plain = [[None if v != v else v for v in row] for row in scores.tolist()]
        self._add(name, scores=plain, skipped=skipped, answer=answer, steps=list(steps))

    def steps(self, names: Sequence[str]) -> dict[str, int]:
        """Steps of the answers of these examples, and how many of them do not count."""
        pairs = [self.rows[name]["steps"] for name in names]
        return {"steps": sum(p[0] for p in pairs), "steps_left_out": sum(p[1] for p in pairs)}

    def scores(
        self, names: Sequence[str]
    ) -> "tuple[Float[Tensor, 'examples layers heads'], list[str]]":
        """Scores of those of the names that have any, and their ids."""
        import torch

        ids: list[str] = []
        tensors: list[torch.Tensor] = []
        for name in names:
            found = self.rows.get(name, {}).get("scores")
            if found is not None:
                rows = [[math.nan if v is None else v for v in row] for row in found]
                ids.append(name)
                tensors.append(torch.tensor(rows))
        return (torch.stack(tensors) if tensors else torch.empty(0)), ids
