"""Reading rows: against eager attention, in memory, batched, cached, generated (checks 5 to 7)."""

import weakref
from collections import Counter

import pytest
import torch
from retrievalheads.decoding.packed_branches import greedy_together
from retrievalheads.decoding.prefix_reader import PrefixReader, ends_answer
from retrievalheads.decoding.row_probe import RowProbe
from retrievalheads.heads.detect import NothingToScoreError, detect, read_rows
from retrievalheads.heads.needle_in_haystack import (
    default_haystack,
    default_needles,
    grid_for,
    niah,
)
from retrievalheads.heads.retrieval_score import hits
from retrievalheads.inputs.prompt_rendering import ChatFrame
from retrievalheads.inputs.token_spans import token_spans
from retrievalheads.records import Example
from retrievalheads.speed.compare import run_bench
from retrievalheads.speed.peers import naive_places, wu_style
from retrievalheads.speed.readout import Text, time_readout
from torch.utils._python_dispatch import TorchDispatchMode

from .conftest import tiny


def eager_tops(model, ids):
    """Attended places of all rows, and whether the two best probabilities are within 1e-6."""
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        out = model(ids[None], output_attentions=True, use_cache=False, logits_to_keep=1)
    model.set_attn_implementation("sdpa")
    maps = torch.stack(out.attentions)[:, 0]
    best = maps.topk(2).values
    return maps.argmax(-1), best[..., 0] - best[..., 1] < 1e-6


def test_check_5_rows_equal_eager_attention(lm, planted):
    """All rows of five prompts on SmolLM2: in one pass, on a cache, and padded in a batch."""
    coded = [token_spans(example, lm.tokenizer) for example in planted[:5]]
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
    # On the prefill's cache, one after the other; and a right-padded batch of four.
    for size in (1, 4):
        answers = {
            one.id: places for one, places in read_rows(lm.model, coded[:4], batch_size=size)
        }
        for one, (top, tie) in zip(coded[:4], tops[:4], strict=True):
            rows = one.answer_rows
            assert ((answers[one.id] == top[:, :, rows]) | tie[:, :, rows]).all()


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


def test_check_6_no_map_is_built_and_memory_grows_linearly():
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


def all_rows(model, ids):
    """Where every row attends by the probe, [L, H, n]."""
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.arange(len(ids))[None])
        model(ids[None], use_cache=False)
        return probe.collect()[0]


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "gemma", "gpt2", "gpt_neox"])
def test_rows_of_other_architectures(kind):
    more = {"n_positions": 4096, "n_embd": 64, "n_layer": 4, "n_head": 4} if kind == "gpt2" else {}
    more |= {"head_dim": 24} if kind == "gemma" else {}
    more |= {"sliding_window": None} if kind == "mistral" else {}
    model = tiny(kind, **more)
    ids = torch.randint(3, 300, (40,))
    top, tie = eager_tops(model, ids)
    assert ((all_rows(model, ids) == top) | tie).all()


def test_a_sliding_window_hides_what_lies_before_it():
    model = tiny("mistral", sliding_window=8)
    ids = torch.randint(3, 300, (40,))
    top, tie = eager_tops(model, ids)
    places = all_rows(model, ids)
    assert ((places == top) | tie).all()
    assert (torch.arange(40) - places < 8).all()


def test_a_window_that_hides_the_needle_is_told(caplog, lm):
    model = tiny("mistral", sliding_window=8, vocab_size=len(lm.tokenizer))
    example = citation_example()
    detect(model, lm.tokenizer, [example])
    assert "sliding window has 8" in caplog.text


def test_keys_in_blocks_give_the_same(monkeypatch):
    model = tiny()
    ids = torch.randint(3, 300, (1, 50))
    found = []
    for numbers in (32_000_000, 400):
        monkeypatch.setattr("retrievalheads.decoding.row_probe.BLOCK_NUMBERS", numbers)
        with RowProbe(model) as probe, torch.inference_mode():
            probe.arm(torch.arange(10, 50)[None])
            model(ids, use_cache=False)
            found.append(probe.collect())
    assert torch.equal(*found)


def test_left_padding_is_refused():
    model = tiny()
    ids = torch.randint(3, 300, (2, 12))
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    with RowProbe(model) as probe, torch.inference_mode():
        probe.arm(torch.tensor([[11], [11]]))
        with pytest.raises(ValueError, match="padded on the right"):
            model(ids, attention_mask=mask)


def test_the_models_own_attention_comes_back():
    model = tiny()
    with RowProbe(model), RowProbe(model):
        assert model.config._attn_implementation != "sdpa"
    assert model.config._attn_implementation == "sdpa"
    assert not any(hasattr(m, "_tenpapers_watchers") for m in model.modules())


def test_merged_and_unmerged_adapters_give_the_same_rows(toy):
    """PEFT: identical argmax in at least 99.5 % of rows."""
    from copy import deepcopy

    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    wrapped = get_peft_model(
        deepcopy(toy.model),
        LoraConfig(r=4, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
    ).eval()
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    ids = torch.randint(3, 120, (1, 60))
    found = []
    for model in (wrapped, deepcopy(wrapped).merge_and_unload()):
        with RowProbe(model) as probe, torch.inference_mode():
            probe.arm(torch.arange(60)[None])
            model(ids, use_cache=False)
            found.append(probe.collect())
    assert (found[0] == found[1]).float().mean() >= 0.995


def test_check_7_teacher_and_generate_agree(lm, planted):
    """On examples whose target is what the model writes greedily, at least three of them."""
    reader, stop = PrefixReader(lm.model), ends_answer(lm.tokenizer, lm.model)
    few = []
    for example in planted[:4]:
        one = token_spans(example, lm.tokenizer)
        prompt = one.input_ids[: one.n_prompt].tolist()
        answer = reader.greedy(prompt, limit=32, stop=stop)
        written = example.model_copy(update={"target": lm.tokenizer.decode(answer)})
        if token_spans(written, lm.tokenizer).input_ids.tolist() == prompt + answer:
            few.append(written)
    teacher = detect(lm.model, lm.tokenizer, few)
    generated = detect(lm.model, lm.tokenizer, few, mode="generate")
    assert len(generated.ids) >= 3
    for name in generated.ids:
        a = teacher.per_example[teacher.ids.index(name)]
        assert torch.equal(a, generated.per_example[generated.ids.index(name)])


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


def test_texts_packed_into_one_pass_are_read_as_if_alone(toy):
    """Branches of unequal length, with good, bad and no drafts: same answers, same places."""
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
    assert all(len(wanted) == 2 for wanted in one.targets)
    scores = detect(lm.model, lm.tokenizer, [citation_example()], probe="insight")
    assert scores.probe == "insight" and float(scores.mean.min()) >= 0


def test_nothing_to_score_is_an_error_with_its_reason(lm, planted):
    bare = planted[0].model_copy(update={"needles": (), "meta": {}})
    with pytest.raises(NothingToScoreError, match="needle maps to no token"):
        detect(lm.model, lm.tokenizer, [bare])
    with pytest.raises(ValueError, match="SummHay"):
        detect(lm.model, lm.tokenizer, [planted[0]], probe="insight")


def test_check_18_shared_keys_and_values_change_nothing(lm):
    """A 2 x 2 x 3 grid: same places and answers as without sharing, and as both peers."""
    grid = grid_for(
        lm.tokenizer,
        default_haystack(),
        default_needles()[:2],
        [300, 360],
        3,
        chat=ChatFrame.of(lm.tokenizer),
    )
    assert len(grid) == 12
    shared_scores, shared = niah(lm.model, lm.tokenizer, grid)
    alone_scores, alone = niah(lm.model, lm.tokenizer, grid, share_kv=False)
    assert shared["outputs"] == alone["outputs"] and shared_scores.ids == alone_scores.ids
    stop = ends_answer(lm.tokenizer, lm.model)
    for cell in grid:
        mine, other = shared["places"][cell.id], alone["places"][cell.id]
        assert mine.shape == other.shape
        assert (mine != other).sum() <= 0.001 * mine.numel()  # ties of two probabilities
    for cell in grid[::6]:
        places, answer = wu_style(lm.model, cell, stop)
        ids = torch.tensor([*cell.ids, *answer])
        rows = range(len(cell.ids) - 1, len(ids) - 1)
        naive = naive_places(lm.model, ids[:-1].tolist(), rows)
        told = [
            hits(p, ids, torch.tensor(answer), [torch.tensor(cell.needle)] * len(answer), copy=True)
            for p in (shared["places"][cell.id], places, naive)
        ]
        assert torch.equal(told[0], told[1]) and torch.equal(told[0], told[2])


def test_check_18_sharing_computes_at_most_60_percent_of_the_tokens(lm):
    """On a grid of ten depths."""
    model = tiny(vocab_size=len(lm.tokenizer), hidden_size=32, num_hidden_layers=1)
    grid = grid_for(lm.tokenizer, default_haystack(), default_needles()[:2], [500, 700], 10)
    counts = []
    for share in (True, False):
        reader = PrefixReader(model)
        for cell in sorted(grid, key=lambda cell: cell.order):
            if not share:
                reader.forget()
            reader.read(cell.ids)
        counts.append(reader.tokens)
    assert counts[0] <= 0.6 * counts[1], counts


def test_many_needles_in_one_haystack(lm):
    grid = grid_for(
        lm.tokenizer,
        default_haystack(),
        default_needles(),
        [500],
        4,
        multi=True,
        chat=ChatFrame.of(lm.tokenizer),
    )
    assert len(grid) == 12
    for cell in grid:
        found = lm.tokenizer.decode([cell.ids[i] for i in cell.needle])
        assert found.strip(" .") == cell.answer
    scores, details = niah(lm.model, lm.tokenizer, grid)
    assert details["success_rate"] > 0 and len(scores.ids) == len(scores.per_example)
    assert details["tokens"] < 0.5 * sum(len(cell.ids) for cell in grid)
    few = grid[:4]
    _, packed = niah(lm.model, lm.tokenizer, few)
    _, alone = niah(lm.model, lm.tokenizer, few, share_kv=False)
    assert packed["outputs"] == alone["outputs"]
    for cell in few:
        mine, other = packed["places"][cell.id], alone["places"][cell.id]
        assert (mine != other).sum() <= 0.001 * mine.numel()  # ties of two probabilities


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


def test_bench_prints_scoring_grid_and_memory():
    """The whole benchmark on a small grid of SmolLM2; hits must agree or it raises."""
    found = run_bench("smollm2", [230], 2, 1, 128, threads=(2,))
    assert set(found.values["threads_2"]["scoring"]) == {"230"}
    assert found.values["cells"] == 2 and "ours, --multi-needle" in found.text
