"""Read where single query rows attend, without ever building an n x n attention map.

Of the rows that are asked for and no others, the pre-softmax logits against all keys are computed,
and of those the argmax is kept. Softmax is monotone, so this is also the argmax of the weights.
"""

from typing import Any

from .heads import Hooks
from .layout import HeadGeometry
from .watching import AttentionInput, AttentionWatch

# Logits of one layer held at a time (float32 numbers); more are computed in blocks of keys.
BLOCK_NUMBERS = 32_000_000


class RowProbe(Hooks):
    """Argmax of chosen attention rows, in every layer and head, while the model runs.

    Between `arm` and `collect` every forward pass is read; any number of passes (a prefill and
    blocks on its cache) may lie between, each gives the rows that fall into it.

    Parameters
    ----------
    model : transformers causal LM that goes through transformers' attention interface, or a peft
        model around one.

    Raises
    ------
    UserError : the model does not go through that interface.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        watch = AttentionWatch(model, self._read)
        self._handles.append(watch)
        self.geometry = HeadGeometry.from_config(watch.model.config)
        self._device = watch.model.device
        self._rows: Any = None
        self._found: dict[int, Any] = {}

    def arm(self, rows: Any) -> None:
        """Read these rows from now on.

        Parameters
        ----------
        rows : LongTensor[B, T], places of the queries counted from the first token of the sequence
            (a cached prefix included); -1 where an example has fewer rows. Sequences are padded on
            the right or not at all.
        """
        self._rows = rows.to(self._device)
        self._found = {}

    def collect(self) -> Any:
        """Where the rows attend most, IntTensor[B, L, H, T] on the CPU; disarms.

        -1 where nothing was read: a row that no pass contained, a layer without softmax attention.
        """
        import torch

        assert self._rows is not None, "arm the probe first"
        batch, count = self._rows.shape
        shape = (batch, self.geometry.n_layers, self.geometry.n_heads, count)
        places = torch.full(shape, -1, dtype=torch.int32)
        for layer, found in self._found.items():
            places[:, layer] = found.cpu()
        self._rows, self._found = None, {}
        return places

    def _read(self, seen: AttentionInput) -> None:
        """Take the armed rows that lie in this pass."""
        import torch

        if self._rows is None:
            return
        query, keys = seen.query, seen.key.shape[2]
        offset = keys - query.shape[2]
        inside = (self._rows >= offset) & (self._rows < keys)
        columns = inside.any(0).nonzero()[:, 0]
        if not len(columns):
            return
        # A row that only other examples have in this pass is computed for its first query and
        # thrown away.
        inside = inside[:, columns]
        places = torch.where(inside, self._rows[:, columns] - offset, 0)
        hidden = None
        if seen.mask is not None and seen.window is None:
            shown = _rows_of(seen.visible, places)
            _refuse_left_padding(shown, inside)
            hidden = ~shown
        index = places[:, None, :, None].expand(-1, query.shape[1], -1, query.shape[3])
        rows = query.gather(2, index).float()
        best = _best_keys(rows, seen.key, places + offset, seen.window, hidden)
        kept = self._found.get(seen.layer)
        if kept is None:
            kept = best.new_full((*best.shape[:2], self._rows.shape[1]), -1)
            self._found[seen.layer] = kept
        kept[..., columns] = torch.where(inside[:, None, :], best, kept[..., columns])


def _best_keys(query: Any, key: Any, last: Any, window: int | None, unseen: Any) -> Any:
    """The key with the largest logit a row, the lowest of equal ones; IntTensor[B, H, T].

    Parameters
    ----------
    query : float32 [B, H, T, d]; key : [B, Hkv, m, d], each key head shared by H / Hkv queries.
    last : [B, T], the last visible key of each row; window : how many keys are visible, or None.
    unseen : bool [B, T, m], keys that a mask hides, or None.
    """
    import torch

    batch, heads, count, width = query.shape
    groups = key.shape[1]
    shared = query.reshape(batch, groups, -1, width)  # [B, Hkv, G * T, d]
    best_value = query.new_full((batch, heads, count), float("-inf"))
    best_place = torch.full_like(best_value, -1, dtype=torch.int32)
    block = max(1, BLOCK_NUMBERS // (batch * heads * count))
    for start in range(0, key.shape[2], block):
        part = key[:, :, start : start + block].float()
        logits = (shared @ part.transpose(2, 3)).view(batch, heads, count, -1)
        place = torch.arange(start, start + part.shape[2], device=key.device)
        hidden = place > last[..., None]
        if window is not None:
            hidden |= place <= last[..., None] - window
        if unseen is not None:
            hidden = hidden | unseen[..., start : start + part.shape[2]]
        logits.masked_fill_(hidden[:, None], float("-inf"))
        value, found = logits.max(-1)
        better = value > best_value
        best_value = torch.where(better, value, best_value)
        best_place = torch.where(better, (found + start).int(), best_place)
    return best_place


def _rows_of(visible: Any, places: Any) -> Any:
    """Rows of a mask [B or 1, 1, n, m] at places [B, T]; [B, T, m]."""
    rows = visible[:, 0].expand(len(places), -1, -1)
    return rows.gather(1, places[..., None].expand(-1, -1, rows.shape[2]))


def _refuse_left_padding(shown: Any, inside: Any) -> None:
    """With padding on the left, places would not count from the first token.

    Then, and only then, a row does not see key 0.
    """
    if not bool((shown[..., 0] | ~inside).all()):
        raise ValueError("rows are read from sequences padded on the right, not on the left")
