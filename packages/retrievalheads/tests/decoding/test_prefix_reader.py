"""Greedy answers on a cache that is shared."""

import torch
from retrievalheads.decoding.prefix_reader import PrefixReader


def test_greedy_with_a_draft_writes_what_greedy_writes(toy):
    reader, never = PrefixReader(toy.model), lambda token: False
    ids = torch.randint(3, 120, (30,)).tolist()
    plain = reader.greedy(ids, limit=8, stop=never)
    for draft in (plain, plain[:3], [*plain[:2], 5, 6], [7, 8, 9], plain + plain):
        assert PrefixReader(toy.model).greedy(ids, limit=8, stop=never, draft=draft) == plain
    with torch.inference_mode():
        theirs = toy.model.generate(
            torch.tensor([ids]),
            max_new_tokens=8,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
    assert theirs[0, 30:].tolist() == plain
