"""Several continuations of one cached text, run through the model in the same passes.

A pass over few tokens costs nearly as much as one over many: its time goes into reading the
weights. So questions about one text are packed behind it, each hidden from the others by the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .prefix_reader import Draft, PrefixReader, common_length, taken
from .row_probe import RowProbe

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor


@dataclass
class _Branch:
    """One continuation: what the cache lacks of it, what is tried next, what it has written."""

    waiting: list[int]
    guess: list[int]
    draft: Draft
    answer: list[int] = field(default_factory=list)
    places: list[Int[Tensor, "layers heads steps"]] = field(default_factory=list)
    open: bool = True


class Branches:
    """A cached text with continuations packed behind it.

    What was tried and not taken stays in the cache and is hidden from all that follows; so a key's
    place in the cache and its place in its own text differ.

    Parameters
    ----------
    reader : holds the text (`PrefixReader.hold`); its cache grows until `close`.
    count : continuations.
    """

    def __init__(self, reader: PrefixReader, count: int) -> None:
        import torch

        self._reader, held = reader, reader.held
        self._next = [held] * count
        self._place = torch.arange(held)
        self._owner = torch.full((held,), -1)  # -1: of all
        self._valid = torch.ones(held, dtype=torch.bool)
        self._begins: list[int] = []

    def read(
        self, blocks: Sequence[Sequence[int]], rows: Sequence[int], probe: RowProbe
    ) -> list[tuple[list[int], Int[Tensor, "layers heads rows"]]]:
        """Run a block of each continuation; an empty one costs nothing.

        Parameters
        ----------
        rows : how many of a block's last rows are wanted.

        Returns
        -------
        For each continuation the likeliest next token of each wanted row, and where the row
        attends, places in its own text.
        """
        import torch

        device, cached = self._reader.model.device, len(self._place)
        sizes = torch.tensor([len(block) for block in blocks])
        ends = cached + sizes.cumsum(0)
        self._begins = (ends - sizes).tolist()
        place = [torch.arange(at, at + len(b)) for at, b in zip(self._next, blocks, strict=True)]
        self._place = torch.cat([self._place, *place])
        owner = torch.repeat_interleave(torch.arange(len(blocks)), sizes)
        self._owner = torch.cat([self._owner, owner])
        self._valid = torch.cat([self._valid, torch.ones(len(owner), dtype=torch.bool)])
        own = (self._owner == -1) | (self._owner == owner[:, None])
        keys = torch.arange(len(self._place))
        shown = own & self._valid & (keys <= keys[cached:, None])
        dtype = self._reader.model.dtype
        # Added to the logits: eager attention does not know masks that are true or false.
        mask = torch.zeros(shown.shape, dtype=dtype).masked_fill_(~shown, torch.finfo(dtype).min)
        wanted = torch.cat(
            [torch.arange(end - n, end) for end, n in zip(ends.tolist(), rows, strict=True)]
        )
        probe.arm(wanted[None])
        with torch.inference_mode():
            out = self._reader.model(
                torch.tensor([[token for block in blocks for token in block]], device=device),
                attention_mask=mask[None, None].to(device),
                position_ids=self._place[None, cached:].to(device),
                past_key_values=self._reader.cache,
                use_cache=True,
                logits_to_keep=(wanted - cached).to(device),
            )
        self._reader.cache = out.past_key_values
        self._reader.tokens += len(owner)
        best = out.logits[0].float().argmax(-1).cpu().split(list(rows))
        read = probe.collect()[0].long()
        read = torch.where(read < 0, read, self._place[read]).int().split(list(rows), -1)
        return [(b.tolist(), r) for b, r in zip(best, read, strict=True)]

    def keep(self, counts: Sequence[int]) -> None:
        """Of each block of the last pass, hide all but so many tokens."""
        ends = [*self._begins[1:], len(self._place)]
        for row, (begin, end, count) in enumerate(zip(self._begins, ends, counts, strict=True)):
            self._valid[begin + count : end] = False
            self._next[row] += count

    def close(self) -> None:
        """Leave the text alone in the cache."""
        added = len(self._place) - self._reader.held
        if not self._reader.held:
            self._reader.forget()
        elif added and self._reader.cache is not None:
            self._reader.cache.crop(-added)


def greedy_together(
    reader: PrefixReader,
    probe: RowProbe,
    sequences: Sequence[list[int]],
    drafts: Sequence[list[int]],
    *,
    limit: int,
    stop: Callable[[int], bool],
) -> list[tuple[list[int], Int[Tensor, "layers heads steps"]]]:
    """Greedy continuations of texts that begin alike, and where the rows that write them attend.

    The answers are those of `PrefixReader.greedy`, one text after the other.

    Parameters
    ----------
    drafts : for each text, what its answer may repeat.
    limit : tokens of an answer; it ends before the first that `stop` holds of.

    Returns
    -------
    For each text its answer and where the rows attend, places in the text.
    """
    import torch

    shared = shared_length(sequences)
    reader.hold(sequences[0][:shared])
    packed = Branches(reader, len(sequences))
    branches = []
    for ids, text in zip(sequences, drafts, strict=True):
        draft = Draft(text, ids)
        branches.append(_Branch(ids[shared:], draft.first(limit), draft))
    while any(branch.open for branch in branches):
        blocks = [branch.waiting + branch.guess if branch.open else [] for branch in branches]
        rows = [len(branch.guess) + 1 if branch.open else 0 for branch in branches]
        found = packed.read(blocks, rows, probe)
        packed.keep(
            [
                _take(branch, best, places, limit=limit, stop=stop) if branch.open else 0
                for branch, (best, places) in zip(branches, found, strict=True)
            ]
        )
    packed.close()
    return [(branch.answer, torch.cat(branch.places, -1)) for branch in branches]


def shared_length(sequences: Sequence[list[int]]) -> int:
    """How many tokens all begin with alike, at most all but the last of the shortest."""
    alike = min(common_length(sequences[0], other) for other in sequences)
    return min(alike, *(len(ids) - 1 for ids in sequences))


def _take(
    branch: _Branch,
    best: list[int],
    places: Int[Tensor, "layers heads rows"],
    *,
    limit: int,
    stop: Callable[[int], bool],
) -> int:
    """Take what greedy decoding writes of a pass; how many of the block's tokens remain valid."""
    before = len(branch.waiting)
    written, branch.open = taken(best, branch.guess, limit - len(branch.answer), stop)
    branch.answer += written
    branch.places.append(places[..., : len(written)])
    if branch.open:
        branch.waiting = branch.answer[-1:]
        branch.guess = branch.draft.after(branch.answer, limit)
    return before + max(0, len(written) - 1)
