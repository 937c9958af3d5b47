"""The scoring alone: from a pass's queries and keys to scores, all maps against single rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..decoding.attention_watch import AttentionInput, AttentionWatch
from ..decoding.row_probe import RowProbe
from ..heads.retrieval_score import score
from .peers import attention_map, loop_scores

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Text:
    """A text that ends in its needle again, as an answer would.

    Parameters
    ----------
    ids : tokens, the answer at the end.
    needle : places of the needle.
    """

    ids: list[int]
    needle: list[int]

    @classmethod
    def of(cls, haystack: Sequence[int], needle: Sequence[int], tokens: int) -> Text:
        """So many tokens of a haystack with the needle in the middle."""
        rest = list(haystack[: tokens - 2 * len(needle)])
        half = len(rest) // 2
        ids = [*rest[:half], *needle, *rest[half:], *needle]
        return cls(ids, list(range(half, half + len(needle))))

    @property
    def rows(self) -> list[int]:
        """The rows that write the answer."""
        return list(range(len(self.ids) - len(self.needle) - 1, len(self.ids) - 1))

    @property
    def answer(self) -> list[int]:
        """The tokens that those rows write."""
        return self.ids[-len(self.needle) :]


@dataclass
class Readout:
    """Seconds of one reading; of several, the fastest.

    Parameters
    ----------
    maps : every map of the pass, logits and softmax, as eager attention makes them.
    loop : the published loop over rows and heads of those maps.
    rows : ours, both steps.
    differ : largest difference of scores.
    """

    maps: float = float("inf")
    loop: float = float("inf")
    rows: float = float("inf")
    differ: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return (self.maps + self.loop) / self.rows


class _TimedProbe(RowProbe):
    seconds = 0.0

    def _read(self, seen: AttentionInput) -> None:
        began = _now(seen.query)
        super()._read(seen)
        self.seconds += _now(seen.query) - began


def time_readout(model: PreTrainedModel, text: Text, repeats: int) -> Readout:
    """Score one text both ways, on the queries and keys of real passes."""
    fastest = Readout()
    for _ in range(repeats):
        ours, seconds = _by_rows(model, text)
        fastest.rows = min(fastest.rows, seconds)
        theirs, seconds, loop = _by_maps(model, text)
        fastest.maps = min(fastest.maps, seconds)
        fastest.loop = min(fastest.loop, loop)
        fastest.differ = max(fastest.differ, float((ours - theirs).abs().max()))
    return fastest


def _now(tensor: Tensor) -> float:
    """Seconds once a GPU has done what it was given."""
    import torch

    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
    return time.perf_counter()


def _run(model: PreTrainedModel, text: Text) -> None:
    import torch

    with torch.inference_mode():
        ids = torch.tensor([text.ids], device=model.device)
        model(ids, use_cache=False, logits_to_keep=1)


def _by_rows(model: PreTrainedModel, text: Text) -> tuple[Float[Tensor, "layers heads"], float]:
    """Scores, and the seconds that reading and scoring took."""
    import torch

    with _TimedProbe(model) as probe:
        probe.arm(torch.tensor(text.rows)[None])
        _run(model, text)
        began = time.perf_counter()
        places = probe.collect()[0]
        wanted = [torch.tensor(text.needle)] * len(text.answer)
        values = score(places, torch.tensor(text.ids), torch.tensor(text.answer), wanted)
        assert values is not None, "every step has the needle for its target"
        return values, probe.seconds + time.perf_counter() - began


def _by_maps(
    model: PreTrainedModel, text: Text
) -> tuple[Float[Tensor, "layers heads"], float, float]:
    """Scores, and the seconds that making all maps and the loop took."""
    import torch

    count = len(text.ids)
    mask = torch.full((count, count), float("-inf"), device=model.device).triu(1)
    maps: list[Float[Tensor, "1 heads n n"]] = []
    seconds = 0.0

    def see(seen: AttentionInput) -> None:
        nonlocal seconds
        began = _now(seen.query)
        maps.append(attention_map(seen.query, seen.key, mask))
        seconds += _now(seen.query) - began

    with AttentionWatch(model, see):
        _run(model, text)
    began = time.perf_counter()
    scores = loop_scores(maps, text.rows, text.ids, text.answer, set(text.needle))
    return scores, seconds, time.perf_counter() - began
