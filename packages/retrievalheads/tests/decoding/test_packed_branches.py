"""Several continuations in one pass."""

import pytest
import torch
from retrievalheads.decoding.packed_branches import greedy_together
from retrievalheads.decoding.prefix_reader import PrefixReader
from retrievalheads.decoding.row_probe import RowProbe

from ..conftest import fresh


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_texts_packed_into_one_pass_are_read_as_if_alone(toy, attention):
    """Branches of unequal length, with good, bad and no drafts: same answers, same places."""
    toy = fresh(toy)
    toy.model.set_attn_implementation(attention)
    head = torch.randint(3, 120, (25,)).tolist()
    texts = [head + torch.randint(3, 120, (n,)).tolist() for n in (4, 9, 1, 6)]
    reader, never = PrefixReader(toy.model), lambda token: False
    plain = [reader.greedy(ids, limit=8, stop=never) for ids in texts]
    drafts = [plain[0], [*plain[1][:2], 5, 6], [7, 8, 9], []]
    last = plain[3][4]

    def stop(token):
        return token == last

    with RowProbe(toy.model) as probe:
        found = greedy_together(reader, probe, texts, drafts, limit=8, stop=stop)
        again = greedy_together(reader, probe, texts[::-1], drafts[::-1], limit=8, stop=stop)
        assert reader.held == 25
        for (answer, places), (other, same), ids, draft in zip(
            found, again[::-1], texts, drafts, strict=True
        ):
            probe.arm(torch.arange(len(ids) - 1, len(ids) + 7)[None])
            alone = PrefixReader(toy.model).greedy(ids, limit=8, stop=stop, draft=draft)
            rows = probe.collect()[0][..., : len(alone)]
            assert answer == other == alone
            assert torch.equal(places, rows) and torch.equal(places, same)
    assert len(found[3][0]) <= 4 and all(answer for answer, _ in found[:1])
