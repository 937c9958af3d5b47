"""Which heads retrieve: on SmolLM2, by both probes, in both modes."""

import pytest
import torch
from retrievalheads.decoding.prefix_reader import PrefixReader, ends_answer
from retrievalheads.decoding.row_probe import RowProbe
from retrievalheads.heads.detect import NothingToScoreError, detect, read_rows
from retrievalheads.inputs.token_spans import token_spans
from retrievalheads.records import Example

from ..conftest import eager_tops, tiny


def test_rows_equal_eager_attention_on_smollm2(lm, planted):
    """All rows of two prompts on SmolLM2: in one pass, on a cache, and padded in a batch."""
    coded = [token_spans(example, lm.tokenizer) for example in planted[:2]]
    whole = []
    with RowProbe(lm.model) as probe, torch.inference_mode():
        for one in coded:
            ids = one.input_ids[:-1]
            probe.arm(torch.arange(len(ids))[None])
            lm.model(ids[None], use_cache=False, logits_to_keep=1)
            whole.append(probe.collect()[0])
    tops = []
    for one, places in zip(coded, whole, strict=True):
        assert len(one.input_ids) >= 300
        top, tie = eager_tops(lm.model, one.input_ids[:-1])
        assert ((places == top) | tie).all()
        tops.append((top, tie))
    # On the prefill's cache, one after the other; and a right-padded batch of two.
    for size in (1, 2):
        answers = {one.id: places for one, places in read_rows(lm.model, coded, batch_size=size)}
        for one, (top, tie) in zip(coded, tops, strict=True):
            rows = one.answer_rows
            assert ((answers[one.id] == top[:, :, rows]) | tie[:, :, rows]).all()


def test_teacher_and_generate_agree(lm, planted):
    """On an example whose target is what the model writes greedily."""
    reader, stop = PrefixReader(lm.model), ends_answer(lm.tokenizer, lm.model)
    few = []
    for example in planted[:1]:
        coded = token_spans(example, lm.tokenizer)
        prompt = coded.input_ids[: coded.n_prompt].tolist()
        draft = coded.input_ids[coded.n_prompt :].tolist()
        answer = reader.greedy(prompt, limit=32, stop=stop, draft=draft)
        written = example.model_copy(update={"target": lm.tokenizer.decode(answer)})
        if token_spans(written, lm.tokenizer).input_ids.tolist() == prompt + answer:
            few.append(written)
    teacher = detect(lm.model, lm.tokenizer, few)
    generated = detect(lm.model, lm.tokenizer, few, mode="generate")
    assert teacher.ids == generated.ids == [planted[0].id]
    assert torch.equal(teacher.per_example, generated.per_example)


def citation_example():
    text = "List: Document [1] alpha Document [2] beta Document [3] alpha. Insight: alpha"
    spans = [("doc_id", "1", 1), ("insight", "alpha", 1), ("doc_id", "3", 3)]
    needles, at = [], 0
    for kind, word, number in spans:
        at = text.index(word, at)
        needles.append({"kind": kind, "start": at, "end": at + len(word), "doc_id": number})
        at += len(word)
    needles.append(
        {
            "kind": "insight",
            "start": text.index("alpha", at),
            "end": text.index("alpha", at) + 5,
            "doc_id": 3,
        }
    )
    return Example(
        id="c",
        task="summhay",
        variant="hh",
        split="test",
        query="alpha",
        documents=[{"doc_id": i, "text": "x", "role": "gold"} for i in (1, 2, 3)],
        prompt=text,
        target=" [1][3]",
        answers=["1", "3"],
        needles=needles,
        n_tokens=40,
    )


def test_insight_steps_are_those_that_write_a_number(lm):
    """Each digit's targets are the insight's tokens of its own document."""
    one = token_spans(citation_example(), lm.tokenizer)
    words = [lm.tokenizer.decode([t]) for t in one.input_ids.tolist()]
    steps = {
        words[one.n_prompt + i]: {words[p].strip() for p in wanted.tolist()}
        for i, wanted in enumerate(one.insight)
        if len(wanted)
    }
    assert set(steps) == {"1", "3"} and all("alpha" in found for found in steps.values())
    assert not torch.equal(*[w for w in one.insight if len(w)])
    # A number is copied from either document's; no head can copy a bracket from them.
    assert [len(wanted) for wanted in one.targets] == [
        2 if words[one.n_prompt + i] in ("1", "3") else 0 for i in range(len(one.targets))
    ]
    assert set(words[one.n_prompt :]) > {"1", "3"}
    scores = detect(lm.model, lm.tokenizer, [citation_example()], probe="insight")
    assert scores.probe == "insight" and float(scores.mean.min()) >= 0


def test_nothing_to_score_is_an_error_with_its_reason(lm, planted):
    bare = planted[0].model_copy(update={"needles": (), "meta": {}})
    with pytest.raises(NothingToScoreError, match="needle maps to no token"):
        detect(lm.model, lm.tokenizer, [bare])
    with pytest.raises(ValueError, match="SummHay"):
        detect(lm.model, lm.tokenizer, [planted[0]], probe="insight")


def test_a_window_that_hides_the_needle_is_told(caplog, tokenizer):
    model = tiny("mistral", sliding_window=8, vocab_size=len(tokenizer))
    example = citation_example()
    detect(model, tokenizer, [example])
    assert "sliding window has 8" in caplog.text
