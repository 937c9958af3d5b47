"""Two ways to read heads that are published: all attention maps, and Wu et al.'s decoding steps.

Neither is used by the package; both are here for the comparison and as oracles in tests.
"""

from collections.abc import Sequence
from typing import Any

from ..niah import MAX_TOKENS, Cell


def naive_places(model: Any, ids: Sequence[int], rows: Sequence[int]) -> Any:
    """Eager attention with every map kept; IntTensor[L, H, T] of the rows' argmax."""
    import torch

    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with torch.inference_mode():
            out = model(
                torch.tensor([list(ids)], device=model.device), output_attentions=True,
                use_cache=False, logits_to_keep=1,
            )  # fmt: skip
        maps = torch.stack([layer[0][:, list(rows)] for layer in out.attentions])
        return maps.argmax(-1).int()
    finally:
        model.set_attn_implementation(before)


def wu_style(model: Any, cell: Cell, stop: Any) -> tuple[Any, list[int]]:
    """SDPA prefill, then single eager steps that return whole rows, a loop over the heads of each.

    Returns
    -------
    IntTensor[L, H, T] of attended places, and the greedy answer.
    """
    import torch

    shape = (model.config.num_hidden_layers, model.config.num_attention_heads)
    device = model.device
    found: list[Any] = []
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
                    torch.tensor([[token]], device=device), past_key_values=cache, use_cache=True,
                    output_attentions=True,
                )  # fmt: skip
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
