"""Peak memory of reading 20 rows of a random model, ours and by all maps: a process of its own.

    python -m retrievalheads.speed.peak_memory TOKENS

Prints two numbers of MiB. The larger one comes last: what is freed is not always given back.

Linux alone: the kernel keeps the peak and starts it anew when asked.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..decoding.row_probe import RowProbe
from .peers import naive_places

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import LlamaForCausalLM

ROWS = 20


def model(tokens: int) -> LlamaForCausalLM:
    """A random Llama of 4 layers of 8 heads of 32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=500,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=2 * tokens,
    )
    return LlamaForCausalLM(config).eval()


def read(
    net: LlamaForCausalLM, ids: Int[Tensor, "1 tokens"], way: str
) -> Int[Tensor, "layers heads rows"]:
    """Where the last rows attend, by all maps ("naive") or by the probe."""
    import torch

    rows = torch.arange(ids.shape[1] - ROWS, ids.shape[1])
    if way == "naive":
        return naive_places(net, ids[0].tolist(), rows.tolist())
    with RowProbe(net) as probe, torch.inference_mode():
        probe.arm(rows[None])
        net(ids, use_cache=False, logits_to_keep=1)
        return probe.collect()[0]


def kib(name: str) -> int:
    """A line of the kernel's report on this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main(tokens: int) -> None:
    """Read once briefly each way, so that libraries are loaded, then for the measurement."""
    import torch

    net = model(tokens)
    ids = torch.randint(0, 500, (1, tokens))
    for way in ("ours", "naive"):
        read(net, ids[:, :64], way)
        # The peak starts anew, without the parent's.
        Path("/proc/self/clear_refs").write_text("5")
        before = kib("VmRSS")
        read(net, ids, way)
        print((kib("VmHWM") - before) / 1024)


if __name__ == "__main__":
    main(int(sys.argv[1]))
