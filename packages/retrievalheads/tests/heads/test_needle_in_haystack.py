"""The needle grid with and without shared prefixes."""

import pytest
import torch
from retrievalheads.decoding.prefix_reader import PrefixReader, ends_answer
from retrievalheads.heads import needle_in_haystack
from retrievalheads.heads.needle_grid import default_haystack, default_needles, grid_for
from retrievalheads.heads.needle_in_haystack import MAX_TOKENS, niah
from retrievalheads.heads.retrieval_score import hits
from retrievalheads.inputs.prompt_rendering import ChatFrame
from retrievalheads.speed.peers import naive_places, wu_style

from ..decoding.test_attention_watch import of_kind


@pytest.mark.parametrize("kind", ["llama", "mistral", "gpt_oss"])
def test_shared_keys_and_values_change_nothing(kind, tokenizer, monkeypatch):
    """A 2 x 1 x 2 grid on random models, two of which have a sliding window: same places and
    answers as without sharing, and as both peers (of which Wu et al.'s knows no windows)."""
    monkeypatch.setattr(needle_in_haystack, "SUCCESS_ROUGE", -1.0)  # all count as found
    model = of_kind(kind, vocab_size=len(tokenizer))
    needles = default_needles()[:2]
    grid = grid_for(tokenizer, default_haystack(), needles, [300], 2)
    assert len(grid) == 4
    shared = niah(model, tokenizer, grid)
    alone = niah(model, tokenizer, grid, share_kv=False)
    assert shared.outputs == alone.outputs and shared.scores.ids == alone.scores.ids
    assert shared.tokens < alone.tokens
    stop = ends_answer(tokenizer, model)
    for cell in grid:
        mine, other = shared.places[cell.id], alone.places[cell.id]
        assert mine.shape == other.shape
        assert (mine != other).sum() <= 0.001 * mine.numel()  # ties of two probabilities
    for cell in grid[::3]:
        answer = PrefixReader(model).greedy(cell.ids, limit=MAX_TOKENS, stop=stop)
        ids = torch.tensor([*cell.ids, *answer])
        rows = range(len(cell.ids) - 1, len(ids) - 1)
        peers = [naive_places(model, ids[:-1].tolist(), rows)]
        if kind == "llama":
            places, written = wu_style(model, cell, stop)
            assert written == answer
            peers.append(places)
        wanted = [torch.tensor(cell.needle)] * len(answer)
        mine, *theirs = (
            hits(places, ids, torch.tensor(answer), wanted, copy=True)
            for places in (shared.places[cell.id], *peers)
        )
        assert all(torch.equal(mine, hit) for hit in theirs)


def test_many_needles_in_one_haystack(lm):
    grid = grid_for(
        lm.tokenizer,
        default_haystack(),
        default_needles(),
        [300],
        2,
        multi=True,
        chat=ChatFrame.of(lm.tokenizer),
    )
    assert len(grid) == 6
    for cell in grid:
        found = lm.tokenizer.decode([cell.ids[i] for i in cell.needle])
        assert found.strip(" .") == cell.answer
    whole = niah(lm.model, lm.tokenizer, grid)
    assert whole.success_rate > 0 and len(whole.scores.ids) == len(whole.scores.per_example)
    assert whole.tokens < 0.7 * sum(len(cell.ids) for cell in grid)
    few = grid[:1]
    alone = niah(lm.model, lm.tokenizer, few, share_kv=False)
    assert alone.outputs == {cell.id: whole.outputs[cell.id] for cell in few}
    for cell in few:
        mine, other = whole.places[cell.id], alone.places[cell.id]
        assert (mine != other).sum() <= 0.001 * mine.numel()  # ties of two probabilities
