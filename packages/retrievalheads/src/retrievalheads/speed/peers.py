"""Two ways to read heads that are published: all attention maps, and Wu et al.'s decoding steps.

Neither is used by the package; both are here for the comparison and as oracles in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..heads.needle_grid import Cell
from ..heads.needle_in_haystack import MAX_TOKENS

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from transformers import PreTrainedModel


def naive_places(
    model: PreTrainedModel, ids: Sequence[int], rows: Sequence[int]
) -> Int[Tensor, "layers heads rows"]:
    """Eager attention with every map kept: where the rows attend most."""
    import torch

    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with torch.inference_mode():
            out = model(
                torch.tensor([list(ids)], device=model.device),
                output_attentions=True,
                use_cache=False,
                logits_to_keep=1,
            )
        maps = torch.stack([layer[0][:, list(rows)] for layer in out.attentions])
        places: Tensor = maps.argmax(-1).int()
        return places
    finally:
        model.set_attn_implementation(before)


def attention_map(
    query: Float[Tensor, "batch heads n head_dim"],
    key: Float[Tensor, "batch kv_heads n head_dim"],
    mask: Float[Tensor, "n n"],
) -> Float[Tensor, "batch heads n n"]:
    """A layer's whole map, as transformers' eager attention makes it.

    Parameters
    ----------
    mask : -inf at what is not seen.
    """
    import torch

    keys = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    logits = query @ keys.transpose(2, 3) * query.shape[3] ** -0.5 + mask
    return torch.softmax(logits, -1, dtype=torch.float32).to(query.dtype)


def loop_scores(
    maps: Sequence[Float[Tensor, "1 heads n n"]],
    rows: Sequence[int],
    ids: Sequence[int],
    answer: Sequence[int],
    needle: set[int],
) -> Float[Tensor, "layers heads"]:
    """The published scoring: of every step and head the row's largest weight, one at a time.

    Returns
    -------
    The share of steps at which a head attends to the needle token that is written.
    """
    import torch

    found = torch.zeros(len(maps), maps[0].shape[1])
    for row, token in zip(rows, answer, strict=True):
        for layer, weights in enumerate(maps):
            for head in range(weights.shape[1]):
                place = int(weights[0, head, row].topk(1).indices.item())
                if place in needle and ids[place] == token:
                    found[layer, head] += 1
    return found / len(rows)


def wu_style(
    model: PreTrainedModel, cell: Cell, stop: Callable[[int], bool]
) -> tuple[Int[Tensor, "layers heads steps"], list[int]]:
    """SDPA prefill, then single eager steps that return whole rows, a loop over the heads of each.

    Returns
    -------
    Attended places, and the greedy answer.
    """
    import torch

    shape = (model.config.num_hidden_layers, model.config.num_attention_heads)
    device = model.device
    found: list[Int[Tensor, "layers heads"]] = []
    answer: list[int] = []
    with torch.inference_mode():
        ids = torch.tensor([cell.ids[:-1]], device=device)
        cache = model(ids, use_cache=True, logits_to_keep=1).past_key_values
        before = model.config._attn_implementation
        model.set_attn_implementation("eager")
        try:
            token = cell.ids[-1]
            for _ in range(MAX_TOKENS):
                out = model(
                    torch.tensor([[token]], device=device),
                    past_key_values=cache,
                    use_cache=True,
                    output_attentions=True,
                )
                token = int(out.logits[0, -1].argmax())
                if stop(token):
                    break
                answer.append(token)
                step = torch.empty(shape, dtype=torch.int32)
                for layer in range(shape[0]):
                    for head in range(shape[1]):
                        row = out.attentions[layer][0, head, -1]
                        step[layer, head] = row.topk(1).indices.item()
                found.append(step)
        finally:
            model.set_attn_implementation(before)
    places = torch.stack(found, dim=-1) if found else torch.empty(*shape, 0, dtype=torch.int32)
    return places, answer
