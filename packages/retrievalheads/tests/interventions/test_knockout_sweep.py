"""Many knockouts side by side."""

import pytest
import torch
from retrievalheads.decoding.prefix_reader import PrefixReader
from retrievalheads.heads.detect import detect
from retrievalheads.heads.head_sets import head_set, ranked
from retrievalheads.inputs.token_spans import encode_prompt
from retrievalheads.inputs.toy.examples import toy_examples
from retrievalheads.interventions.knockout import (
    knockout,
)
from retrievalheads.interventions.knockout_sweep import settings_for, sweep
from retrievalheads.training.context_extension import extend_context

from ..conftest import fresh
from ..decoding.test_attention_watch import of_kind


def test_the_best_heads_of_smollm2_carry_planted_phrases(lm, planted):
    """Four planted prompts tell SmolLM2's heads, four others what it is without them.

    In scope "decode", where one prefill serves all settings; `reproduce` prints both scopes.
    """
    scores = detect(lm.model, lm.tokenizer, planted[:4])
    assert 10 <= int(head_set(scores).sum()) <= 60
    best = {entry[:2] for entry in ranked(scores)[:8]}
    assert {(18, 6), (23, 2)} <= best
    settings = settings_for(scores.mean, [0, 10], [0, 1], threshold=0.1)
    results = sweep(lm.model, lm.tokenizer, planted[4:8], settings, scope="decode", answers=False)
    accuracy = {(r.setting.arm, r.setting.seed, r.setting.k): r.mean(r.accuracy) for r in results}
    base = accuracy["top", 0, 0]
    random = sum(accuracy["random", seed, 10] for seed in range(2)) / 2
    assert base >= 0.75
    assert accuracy["top", 0, 10] <= 0.45
    assert random >= base - 0.20


def test_scopes_of_a_sweep_equal_single_runs(toy):
    """Batched settings on one prefill against one knockout at a time, F1 and accuracy."""
    toy = fresh(toy)
    extend_context(toy.model, 64, None)
    examples = toy_examples("real-full", "test", 6, context=60, facts=3)
    scores = torch.rand(4, 8, generator=torch.Generator().manual_seed(0))
    settings = settings_for(scores, [0, 2], [0], threshold=2)
    for scope in ("all", "decode"):
        together = sweep(toy.model, toy.tokenizer, examples, settings, scope=scope)
        for result, setting in zip(together, settings, strict=True):
            alone = sweep(toy.model, toy.tokenizer, examples, [setting], scope=scope)[0]
            assert result.f1 == alone.f1 and result.accuracy == pytest.approx(alone.accuracy)
    with knockout(toy.model, settings[1].heads, scope="decode"):
        from retrievalheads.decoding.answers import evaluate

        graded = evaluate(toy, examples, share_prefix=False)
    assert graded.per_example() == pytest.approx(together[1].f1)


@pytest.mark.parametrize("kind", ["mistral", "gemma2", "gpt_oss"])
def test_prompts_over_a_window_are_run_on_one_prefill_too(kind, toy):
    """Windows of 8 tokens; the targets are what the model writes, so no head off is all right."""
    tokenizer = toy.tokenizer
    model = of_kind(kind, vocab_size=len(tokenizer))
    examples = []
    for example in toy_examples("real-full", "test", 3, context=60, facts=3):
        ids, _ = encode_prompt(tokenizer, example.prompt)
        answer = PrefixReader(model).greedy(ids, limit=4, stop=lambda token: False)
        examples.append(example.model_copy(update={"target": " " + tokenizer.decode(answer)}))
    scores = torch.rand(4, 4, generator=torch.Generator().manual_seed(0))
    settings = settings_for(scores, [0, 8], [0], threshold=2)
    found = sweep(model, tokenizer, examples, settings, scope="decode", answers=False)
    assert found[0].accuracy == [1.0] * 3
    assert min(found[1].accuracy + found[2].accuracy) < 1


def test_settings_run_side_by_side_as_far_as_memory_reaches(toy, monkeypatch):
    """A prompt's keys and values: 2 x 4 layers x 8 heads x 8 numbers x 4 bytes a token, twice."""
    from retrievalheads.interventions import knockout_sweep

    toy = fresh(toy)
    extend_context(toy.model, 64, None)
    examples = toy_examples("real-full", "test", 2, context=60, facts=3)
    scores = torch.rand(4, 8, generator=torch.Generator().manual_seed(0))
    settings = settings_for(scores, [0, 1, 2], [0], threshold=2)
    whole = sweep(toy.model, toy.tokenizer, examples, settings, scope="decode")
    tokens = max(len(toy.tokenizer(example.prompt)["input_ids"]) for example in examples)
    monkeypatch.setattr(knockout_sweep, "CACHE_BYTES", 3 * 2 * 2048 * tokens)
    rows = []
    made = knockout_sweep.Knockout
    monkeypatch.setattr(
        knockout_sweep, "Knockout", lambda *a, **k: rows.append(len(a[1])) or made(*a, **k)
    )
    parts = sweep(toy.model, toy.tokenizer, examples, settings, scope="decode")
    assert rows == [3, 2] * 2
    assert [(r.f1, r.accuracy) for r in parts] == [(r.f1, r.accuracy) for r in whole]
