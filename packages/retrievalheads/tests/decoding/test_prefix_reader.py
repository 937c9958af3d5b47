"""Greedy answers on a cache that is shared."""

import pytest
import torch
from retrievalheads.decoding.prefix_reader import PrefixReader
from retrievalheads.heads.detect import read_rows
from retrievalheads.records import TokenizedExample

from ..conftest import eager_tops
from .test_attention_watch import KINDS, of_kind


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


def coded(prompt, steps=4):
    """An example of this many tokens whose last ones are the answer."""
    n = len(prompt) - steps
    rows = torch.arange(n - 1, n - 1 + steps)
    return TokenizedExample(str(len(prompt)), prompt, n, rows)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"llama"}))
@pytest.mark.parametrize("batch_size", [1, 3])
def test_windows_caps_and_sinks_read_like_eager_in_passes_on_a_cropped_cache(
    kind, batch_size, monkeypatch
):
    """Prompts over the window and over one pass, that share 20 tokens and then part."""
    for home in ("decoding.prefix_reader", "heads.detect"):
        monkeypatch.setattr(f"retrievalheads.{home}.PASS", 11)
    model = of_kind(kind)
    draw = torch.Generator().manual_seed(0)
    head = torch.randint(3, 300, (20,), generator=draw)
    tails = [torch.randint(3, 300, (n,), generator=draw) for n in (20, 9, 14)]
    examples = [coded(torch.cat([head, tail])) for tail in tails]
    for example, places in read_rows(model, examples, batch_size):
        top, tie = eager_tops(model, example.input_ids[:-1])
        rows = example.answer_rows
        assert ((places == top[..., rows]) | tie[..., rows]).all() and (places >= 0).all()


@pytest.mark.parametrize("kind", ["mistral", "gpt_oss"])
def test_greedy_answers_of_models_with_windows_are_generates(kind):
    model, never = of_kind(kind), lambda token: False
    reader = PrefixReader(model)
    for seed in range(2):  # the second prompt shares 30 tokens with the first
        ids = [*range(3, 33), *range(40 + seed, 50 + seed)]
        with torch.inference_mode():
            theirs = model.generate(
                torch.tensor([ids]),
                max_new_tokens=6,
                do_sample=False,
                eos_token_id=None,
                pad_token_id=0,
            )
        answer = reader.greedy(ids, limit=6, stop=never, draft=[5, 6, 7])
        assert answer == theirs[0, 40:].tolist()
