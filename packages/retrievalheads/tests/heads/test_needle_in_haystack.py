"""The needle grid on SmolLM2, with and without shared prefixes."""

import torch
from retrievalheads.decoding.prefix_reader import ends_answer
from retrievalheads.heads.needle_grid import default_haystack, default_needles, grid_for
from retrievalheads.heads.needle_in_haystack import niah
from retrievalheads.heads.retrieval_score import hits
from retrievalheads.inputs.prompt_rendering import ChatFrame
from retrievalheads.speed.peers import naive_places, wu_style


def test_shared_keys_and_values_change_nothing(lm):
    """A 2 x 1 x 2 grid: same places and answers as without sharing, and as both peers."""
    grid = grid_for(
        lm.tokenizer,
        default_haystack(),
        default_needles()[:2],
        [300],
        2,
        chat=ChatFrame.of(lm.tokenizer),
    )
    assert len(grid) == 4
    shared = niah(lm.model, lm.tokenizer, grid)
    alone = niah(lm.model, lm.tokenizer, grid, share_kv=False)
    assert shared.outputs == alone.outputs and shared.scores.ids == alone.scores.ids
    stop = ends_answer(lm.tokenizer, lm.model)
    for cell in grid:
        mine, other = shared.places[cell.id], alone.places[cell.id]
        assert mine.shape == other.shape
        assert (mine != other).sum() <= 0.001 * mine.numel()  # ties of two probabilities
    for cell in grid[::3]:
        places, answer = wu_style(lm.model, cell, stop)
        ids = torch.tensor([*cell.ids, *answer])
        rows = range(len(cell.ids) - 1, len(ids) - 1)
        naive = naive_places(lm.model, ids[:-1].tolist(), rows)
        told = [
            hits(p, ids, torch.tensor(answer), [torch.tensor(cell.needle)] * len(answer), copy=True)
            for p in (shared.places[cell.id], places, naive)
        ]
        assert torch.equal(told[0], told[1]) and torch.equal(told[0], told[2])


def test_many_needles_in_one_haystack(lm):
    grid = grid_for(
        lm.tokenizer,
        default_haystack(),
        default_needles(),
        [400],
        3,
        multi=True,
        chat=ChatFrame.of(lm.tokenizer),
    )
    assert len(grid) == 9
    for cell in grid:
        found = lm.tokenizer.decode([cell.ids[i] for i in cell.needle])
        assert found.strip(" .") == cell.answer
    whole = niah(lm.model, lm.tokenizer, grid)
    assert whole.success_rate > 0 and len(whole.scores.ids) == len(whole.scores.per_example)
    assert whole.tokens < 0.5 * sum(len(cell.ids) for cell in grid)
    few = grid[:2]
    alone = niah(lm.model, lm.tokenizer, few, share_kv=False)
    assert alone.outputs == {cell.id: whole.outputs[cell.id] for cell in few}
    for cell in few:
        mine, other = whole.places[cell.id], alone.places[cell.id]
        assert (mine != other).sum() <= 0.001 * mine.numel()  # ties of two probabilities
