"""The scoring of the benchmark."""

import torch
from retrievalheads.speed.readout import Text, time_readout


def test_the_scoring_of_the_benchmark_agrees_with_the_published_loop(toy):
    """Heads that copy are found by both; the needle is where the text says."""
    hay = torch.randint(3, 120, (200,)).tolist()
    text = Text.of(hay, [31, 47, 58, 69, 73], 120)
    assert len(text.ids) == 120
    assert [text.ids[place] for place in text.needle] == text.answer == text.ids[115:]
    assert text.rows == [114, 115, 116, 117, 118]
    found = time_readout(toy.model, text, repeats=1)
    assert found.differ == 0 and 0 < found.rows < float("inf")
    assert found.ratio == (found.maps + found.loop) / found.rows
