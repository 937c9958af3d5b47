"""Pictures of where the answer's rows attend in a context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout
from tenpapers.report import Picture

from ..decoding.attention_watch import AttentionInput, AttentionWatch
from ..decoding.row_probe import hidden_keys
from ..inputs.token_spans import token_spans
from ..records import Example
from .head_sets import as_mask

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

COLUMNS = 240  # more keys than pixels are pooled by their maximum


def row_weights(
    model: PreTrainedModel,
    ids: Int[Tensor, " n"],
    rows: Int[Tensor, " rows"],
    heads: Sequence[tuple[int, int]],
) -> dict[tuple[int, int], Float[Tensor, "rows n"]]:
    """Attention weights of a few rows of a few heads, float32.

    Parameters
    ----------
    ids : of the whole sequence.
    rows : places of the queries.
    heads : (layer, head).
    """
    import torch

    found: dict[tuple[int, int], Float[Tensor, "rows n"]] = {}

    def see(seen: AttentionInput) -> None:
        wanted = [head for layer, head in heads if layer == seen.layer]
        if wanted:
            weights = seen.weights(rows, hidden_keys(seen, rows[None]))[0].cpu()
            found.update({(seen.layer, head): weights[head] for head in wanted})

    rows = rows.to(model.device)
    with AttentionWatch(model, see), torch.inference_mode():
        model(ids[None].to(model.device), use_cache=False, logits_to_keep=1)
    return found


def draw_map(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    example: Example,
    heads: Sequence[tuple[int, int]],
    path: Path,
) -> Picture:
    """One panel a head: answer tokens by places of the context; the needle is marked.

    Raises
    ------
    UserError : a head that the model does not have.
    """
    import torch
    from matplotlib.figure import Figure
    from tenpapers.errors import UserError

    shape = AttentionLayout.from_model(model).geometry
    try:
        as_mask(heads, shape.n_layers, shape.n_heads)
    except ValueError as error:
        raise UserError(f"--heads: {error}") from None
    coded = token_spans(example, tokenizer)
    weights = row_weights(model, coded.input_ids, coded.answer_rows, heads)
    answer = coded.input_ids[coded.n_prompt :].tolist()
    words = [str(tokenizer.decode([token])) for token in answer]
    figure = Figure(figsize=(9, 0.9 + len(heads) * (0.6 + 0.22 * len(words))), layout="constrained")
    panels = figure.subplots(len(heads), 1, squeeze=False)[:, 0]
    needle = torch.unique(torch.cat(coded.targets)).tolist()
    for axes, head in zip(panels, heads, strict=True):
        axes.imshow(
            _pooled(weights[head]),
            aspect="auto",
            cmap="cividis",
            vmin=0,
            vmax=1,
            extent=(0, weights[head].shape[1], len(words) - 0.5, -0.5),
        )
        axes.plot(
            needle, [len(words) - 0.5] * len(needle), "^", color="#D55E00", ms=5, clip_on=False
        )
        axes.set_yticks(range(len(words)), words, fontsize=8)
        axes.set_title(f"head {head[0]}-{head[1]}", fontsize=9)
    panels[-1].set_xlabel("token of the context (triangles: the needle)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return Picture("Attention of the answer's rows", path)


def _pooled(weights: Float[Tensor, "rows n"]) -> np.ndarray:
    """At most `COLUMNS` columns, each the largest weight of its tokens."""
    import torch

    if weights.shape[1] > COLUMNS:
        weights = torch.nn.functional.adaptive_max_pool1d(weights[None], COLUMNS)[0]
    pooled: np.ndarray = weights.numpy()
    return pooled
