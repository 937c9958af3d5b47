"""What the row probe keeps in memory."""

import weakref
from collections import Counter

import pytest
import torch
from retrievalheads.decoding.row_probe import RowProbe
from retrievalheads.heads import detect
from torch.utils._python_dispatch import TorchDispatchMode

from ..conftest import tiny
from .test_attention_watch import of_kind
from .test_prefix_reader import coded


class _Sizes(TorchDispatchMode):
    """Records tensors with two dimensions of at least n, and the most bytes alive at a time."""

    def __init__(self, n):
        super().__init__()
        self.n, self.large, self.alive, self.peak = n, [], Counter(), 0
        self.bytes = 0

    def _born(self, one):
        storage = one.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if not self.alive[place]:
            self.bytes += size
            self.peak = max(self.peak, self.bytes)
        self.alive[place] += 1
        weakref.finalize(one, self._dead, place, size)

    def _dead(self, place, size):
        self.alive[place] -= 1
        if not self.alive[place]:
            self.bytes -= size

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else [out]:
            if isinstance(one, torch.Tensor):
                if sum(size >= self.n for size in one.shape) >= 2:
                    self.large.append((str(function), tuple(one.shape)))
                self._born(one)
        return out


def test_no_map_is_built_and_memory_grows_linearly():
    """At 4,096 tokens no tensor has two such dimensions; the bytes alive at a time double."""
    model = tiny(hidden_size=256, num_attention_heads=8, num_key_value_heads=8, num_hidden_layers=4)
    peak = {}
    for n in (2048, 4096):
        ids = torch.randint(3, 300, (1, n))
        with RowProbe(model) as probe, torch.inference_mode(), _Sizes(n) as sizes:
            probe.arm(torch.arange(n - 20, n)[None])
            model(ids, use_cache=False, logits_to_keep=1)
            assert probe.collect().shape == (1, 4, 8, 20)
        assert not sizes.large
        peak[n] = sizes.peak
    assert peak[4096] <= 2.2 * peak[2048]


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_a_batch_builds_no_map_either(kind, monkeypatch):
    """Two examples of unequal length, padded, one model with a window: passes of 64 rows."""
    monkeypatch.setattr(detect, "PASS", 64)
    model = of_kind(kind)
    examples = [coded(torch.randint(3, 300, (n,))) for n in (600, 520)]
    with _Sizes(519) as sizes:
        assert len(list(detect.read_rows(model, examples, batch_size=2))) == 2
    assert not sizes.large
