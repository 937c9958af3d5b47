"""Encoding by token budget against Contriever's own loop."""

from collections.abc import Sequence

import numpy as np

from ..retrieval.encoder import CPU_BUDGET, Encoder, batches, padded
from .clock import Report, timed

_PEER_BATCH = 512  # of Contriever's own script


def bench_embed(
    texts: Sequence[str], encoder: Encoder, max_length: int = 512, peer_texts: int | None = None
) -> Report:
    """Encode texts by token budget, and as Contriever's script does: in file order, 512 at a time.

    Both read the same tokens with the same model in float32; the peer pads each batch to its
    longest text.

    Parameters
    ----------
    peer_texts : the peer encodes only so many, the first ones. Its time for all is then estimated
        from the tokens of its batches, padding counted, and the ratio with it.
    """
    lengths = [len(ids) for ids in encoder.tokens(texts, max_length)]
    some = texts[:peer_texts]
    ours, seconds = timed(lambda: encoder.encode(texts, max_length))
    theirs, peer = timed(lambda: encode_in_file_order(some, encoder, max_length))
    share = _in_file_order(lengths) / _in_file_order(lengths[:peer_texts])
    return {
        "texts": len(texts),
        "tokens": sum(lengths),
        "padding": padding_factors(lengths),
        "seconds": seconds | {"peer": peer},
        "peer_texts": len(some),
        "peer_for_all": {clock: share * value for clock, value in peer.items()},
        "ratio": share * peer["processor"] / max(seconds["processor"], 1e-9),
        "largest_difference": float(np.abs(ours[: len(some)] - theirs).max()),
    }


def padding_factors(lengths: Sequence[int], budget: int = CPU_BUDGET) -> dict[str, float]:
    """Padded tokens divided by real ones: batches by budget, and 512 texts in file order.

    Parameters
    ----------
    lengths : tokens of each text, in file order.
    """
    counts, real = np.asarray(lengths), sum(lengths)
    ours = sum(len(rows) * int(counts[rows].max()) for rows in batches(lengths, budget))
    return {"ours": ours / real, "file order": _in_file_order(lengths) / real}


def _in_file_order(lengths: Sequence[int]) -> int:
    """Tokens of the peer's batches, padding counted."""
    counts = np.asarray(lengths)
    blocks = [counts[start : start + _PEER_BATCH] for start in range(0, len(counts), _PEER_BATCH)]
    return sum(len(block) * int(block.max()) for block in blocks)


def encode_in_file_order(
    texts: Sequence[str], encoder: Encoder, max_length: int, batch: int = _PEER_BATCH
) -> np.ndarray:
    """Vectors of texts, a fixed number at a time in the order of the file."""
    import torch

    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), batch):
            tokens = encoder.tokens(texts[start : start + batch], max_length)
            ids, mask = padded(tokens, encoder.tokenizer)
            device = encoder.model.device
            found.append(encoder.vectors(ids.to(device), mask.to(device)).float().cpu().numpy())
    return np.concatenate(found)
