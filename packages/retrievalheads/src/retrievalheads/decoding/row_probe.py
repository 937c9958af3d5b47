"""Read where single query rows attend, without ever building an n x n attention map.

Of the rows that are asked for and no others, the pre-softmax logits against all keys are computed,
and of those the argmax is kept. Softmax is monotone, so this is also the argmax of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from weakref import ReferenceType, ref

from tenpapers.models import HeadGeometry
from tenpapers.models.heads import Hooks

from .attention_watch import AttentionInput, AttentionWatch

if TYPE_CHECKING:
    import torch
    from jaxtyping import Bool, Float, Int
    from torch import Tensor
    from transformers import PreTrainedModel

    # What the layers of one pass have in common: shapes, window, device.
    Form = tuple[torch.Size, torch.Size, int | None, torch.device]

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

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        watch = AttentionWatch(model, self._read)
        self._handles.append(watch)
        self.geometry = HeadGeometry.from_config(watch.model.config)
        self._rows: Int[Tensor, "batch rows"] | None = None
        self._passes: list[_Pass] = []

    def arm(self, rows: Int[Tensor, "batch rows"]) -> None:
        """Read these rows from now on.

        Parameters
        ----------
        rows : places of the queries counted from the first token of the sequence
            (a cached prefix included); -1 where an example has fewer rows. Sequences are padded on
            the right or not at all.
        """
        self._rows = rows.cpu()
        self._passes = []

    def collect(self) -> Int[Tensor, "batch layers heads rows"]:
        """Where the rows attend most, int32 on the CPU; disarms.

        -1 where nothing was read: a row that no pass contained, a layer without softmax attention.
        """
        import torch

        assert self._rows is not None, "arm the probe first"
        batch, count = self._rows.shape
        shape = (batch, self.geometry.n_layers, self.geometry.n_heads, count)
        places = torch.full(shape, -1, dtype=torch.int32)
        for done in self._passes:
            if not done.best:
                continue
            # One transfer a pass, not one a layer.
            best = torch.stack(list(done.best.values()), 1).cpu()
            found = torch.full((*shape[:3], len(done.columns)), -1, dtype=torch.int32)
            found[:, list(done.best)] = best.masked_fill(~done.inside[:, None, None], -1)
            places[..., done.columns] = torch.where(found < 0, places[..., done.columns], found)
        self._rows, self._passes = None, []
        return places

    def _read(self, seen: AttentionInput) -> None:
        """Take the armed rows that lie in this pass."""
        if self._rows is None:
            return
        # Layers of one pass share what is known of it; sliding windows and devices may alternate.
        now = next((known for known in reversed(self._passes) if known.is_of(seen)), None)
        if now is None:
            now = _Pass.of(seen, self._rows)
            self._passes.append(now)
        if not len(now.columns):
            return
        rows = seen.query.gather(2, now.index).float()
        now.best[seen.layer] = _best_keys(rows, seen.key, now.bias)


@dataclass
class _Pass:
    """The armed rows that lie in one pass: found once, on the CPU, used in every layer of it.

    Parameters
    ----------
    form : what the layers of a pass have in common.
    mask : weak reference to their mask, so that those of earlier passes need not stay in memory.
    columns : on the CPU, which of the armed rows any example has in this pass.
    inside : on the CPU; a row that only other examples have is computed for the first query and
        thrown away.
    index : the rows counted from the first query of the pass, as `gather` takes them from queries.
    bias : float32, -inf at the keys that a row does not see; None where it sees all.
    best : by layer, the key with the largest logit.
    """

    form: Form
    mask: ReferenceType[Tensor] | None
    columns: Int[Tensor, " columns"]
    inside: Bool[Tensor, "batch columns"]
    index: Int[Tensor, "batch heads columns head_dim"]
    bias: Float[Tensor, "batch columns keys"] | None
    best: dict[int, Int[Tensor, "batch heads columns"]] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: AttentionInput, rows: Int[Tensor, "batch rows"]) -> Self:
        """What of the armed rows lies in the pass that a layer is shown."""
        import torch

        keys = seen.key.shape[2]
        offset = keys - seen.query.shape[2]
        inside = (rows >= offset) & (rows < keys)
        columns = inside.any(0).nonzero()[:, 0]
        inside = inside[:, columns]
        places = torch.where(inside, rows[:, columns] - offset, 0)
        bias = hidden_keys(seen, places, inside) if len(columns) else None
        mask = None if seen.mask is None else ref(seen.mask)
        _, heads, _, width = seen.query.shape
        index = places.to(seen.query.device)[:, None, :, None].expand(-1, heads, -1, width)
        return cls(_form(seen), mask, columns, inside, index, bias)

    def is_of(self, seen: AttentionInput) -> bool:
        """Whether a layer's attention belongs to this pass: alike, and not read yet."""
        mask = None if self.mask is None else self.mask()
        return seen.layer not in self.best and mask is seen.mask and self.form == _form(seen)


def _form(seen: AttentionInput) -> Form:
    return seen.query.shape, seen.key.shape, seen.window, seen.query.device


def hidden_keys(
    seen: AttentionInput,
    places: Int[Tensor, "batch columns"],
    inside: Bool[Tensor, "batch columns"] | None = None,
) -> Float[Tensor, "batch columns keys"] | None:
    """What to add to the logits of rows at these places: -inf at keys that they do not see.

    Parameters
    ----------
    places : counted from the first query of the pass.
    inside : rows that count; those of other examples may lie in padding.

    Returns
    -------
    float32, or None where the rows see all keys.

    Raises
    ------
    ValueError : padding on the left.
    """
    import torch

    device, keys, window = seen.query.device, seen.key.shape[2], seen.window
    last = places + keys - seen.query.shape[2]
    visible = seen.visible if window is None else None
    if visible is None and int(last.min()) == keys - 1 and (window is None or keys <= window):
        return None
    last = last.to(device)[..., None]
    key = torch.arange(keys, device=device)
    hidden = key > last
    if window is not None:
        hidden |= key <= last - window
    if visible is not None:
        shown = _rows_of(visible, places.to(device))
        if inside is not None:
            _refuse_left_padding(shown, inside.to(device))
        hidden = hidden | ~shown
    return torch.zeros(hidden.shape, device=device).masked_fill_(hidden, float("-inf"))


def _best_keys(
    query: Float[Tensor, "batch heads rows head_dim"],
    key: Float[Tensor, "batch kv_heads keys head_dim"],
    bias: Float[Tensor, "batch rows keys"] | None,
) -> Int[Tensor, "batch heads rows"]:
    """The key with the largest logit a row, the lowest of equal ones.

    Parameters
    ----------
    query : float32; each key head is shared by heads / kv_heads queries.
    bias : float32 that is added to the logits, or None.
    """
    import torch

    batch, heads, count, width = query.shape
    shared = query.reshape(batch, key.shape[1], -1, width)  # [B, Hkv, G * T, d]
    block = max(1, BLOCK_NUMBERS // (batch * heads * count))
    values, places = [], []
    for start in range(0, key.shape[2], block):
        part = key[:, :, start : start + block].float()
        logits = (shared @ part.transpose(2, 3)).view(batch, heads, count, -1)
        if bias is not None:
            logits += bias[:, None, :, start : start + block]
        value, found = logits.max(-1)
        values.append(value)
        places.append((found + start).int())
    if len(places) == 1:
        return places[0]
    block_of = torch.stack(values).max(0).indices
    return torch.stack(places).gather(0, block_of[None])[0]


def _rows_of(
    visible: Bool[Tensor, "masks 1 n keys"], places: Int[Tensor, "batch rows"]
) -> Bool[Tensor, "batch rows keys"]:
    """Rows of a mask, of each example or one for all, at some places."""
    rows = visible[:, 0].expand(len(places), -1, -1)
    return rows.gather(1, places[..., None].expand(-1, -1, rows.shape[2]))


def _refuse_left_padding(
    shown: Bool[Tensor, "batch rows keys"], inside: Bool[Tensor, "batch rows"]
) -> None:
    """With padding on the left, places would not count from the first token.

    Then, and only then, a row does not see key 0.
    """
    if not bool((shown[..., 0] | ~inside).all()):
        raise ValueError("rows are read from sequences padded on the right, not on the left")
