import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesizrr.inputs.documents import corpus_digest, fetch_texts, read_documents, write_shards
from synthesizrr.inputs.seeds import per_class_of, sample_seeds
from synthesizrr.inputs.task import Task, load_task
from synthesizrr.records import Document, Example, Result, Retrieved, read_rows
from synthesizrr.sourcing.leaks import near_duplicates
from synthesizrr.sourcing.pools import build_inputs, windows_of
from synthesizrr.sourcing.retrieve import embed, embed_corpus, retrieve_dense
from synthesizrr.sourcing.retrievers import retrieve_by
from synthesizrr.sourcing.shorten import shorten, shortened
from tenpapers.embedding import EmbeddingShards
from tenpapers.errors import UserError

from .conftest import rows_of, write_rows

LONG = "The council met again on Monday and agreed on a budget for the coming year of work. "
AG = load_task("ag_news")


def examples(**counts):
    return [
        Example(id=f"{label}{i}", text=f"{label} text {i}.", label=label)
        for label, count in counts.items()
        for i in range(count)
    ]


def found(scores, label="World", seed="s", metric="cosine", first=1, texts=None):
    """A seed with results at ranks first, first + 1, ..."""
    return Retrieved(
        seed_id=seed,
        text=f"Seed of {label}. It ends.",
        label=label,
        results=[
            Result(
                rank=rank,
                doc_id=f"{seed}-d{rank}",
                score=score,
                metric=metric,
                text=texts[place] if texts else LONG * 3,
            )
            for place, (rank, score) in enumerate(enumerate(scores, first))
        ],
    )


def pools(rows, tokenizer, mode="retricl", task=AG, **more):
    return build_inputs(rows, task, mode, tokenizer=tokenizer, **more)


def ids(rows):
    return [row.id for row in rows]


def test_seeds_are_balanced_and_never_drawn_twice():
    chosen = sample_seeds(examples(a=30, b=10), 10, seed=42)
    assert [row.label for row in chosen] == ["a"] * 10 + ["b"] * 10
    assert len(set(ids(chosen))) == 20
    assert chosen == sample_seeds(examples(a=30, b=10), 10, seed=42)
    assert chosen != sample_seeds(examples(a=30, b=10), 10, seed=1)


def test_a_small_class_repeats_under_new_ids_and_says_so(caplog):
    chosen = sample_seeds(examples(a=3), 5)
    assert len(set(ids(chosen))) == 5 and "3 examples for 5 seeds" in caplog.text
    with pytest.raises(UserError, match="no example of label 'b'"):
        sample_seeds(examples(a=3), 2, labels=["a", "b"])


def test_the_seed_size_must_divide():
    assert per_class_of(200, 4) == 50
    with pytest.raises(UserError, match="do not divide"):
        per_class_of(10, 4)


def test_shorten_ends_after_the_last_whole_sentence(tokenizer):
    text = "One is here. Two is here. Three goes on for ever and ever and ever."
    assert shorten(text, tokenizer, max_tokens=12) == "One is here. Two is here."
    assert shorten('He said "yes!" Then he left the room', tokenizer, max_tokens=9) == (
        'He said "yes!"'
    )
    assert shorten("Really? Maybe so or not", tokenizer, max_tokens=5) == "Really?"
    assert shorten("Really? No. Maybe so", tokenizer, max_tokens=6, strict=True) == "Really? No."


def test_shorten_without_a_sentence_end_cuts_hard(tokenizer):
    text = "word " * 50
    cut = shortened(text, tokenizer, max_tokens=7)
    assert cut.hard_cut and len(tokenizer(cut.text, add_special_tokens=False)["input_ids"]) <= 7
    assert shortened("no end", tokenizer, max_tokens=7) == ("no end", False)


def test_shorten_drops_what_is_too_short(tokenizer):
    text = "One two three four five."
    n = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert shorten(text, tokenizer, n, max_tokens=100) == text
    assert shorten(text, tokenizer, n + 1, max_tokens=100) is None
    assert shorten("", tokenizer, max_tokens=10) == ""


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.integers(1, 30))
def test_shorten_gives_a_beginning_of_the_text(tokenizer, text, most):
    cut = shorten(text, tokenizer, max_tokens=most)
    assert text.lstrip().startswith(cut)


def test_windows_are_closed(tokenizer):
    """Check 9."""
    row = found([0.39, 0.40, 0.90, 0.91], first=3)
    _, inputs, report = pools([row], tokenizer)
    assert [one.rank for one in inputs] == [4, 5]
    assert report.dropped == {"similarity": {"World": 2}}
    icl, inputs, _ = pools([found([0.49, 0.50]), found([0.6], seed="t", first=3)], tokenizer)
    assert ids(icl) == ["s#2"] and ids(inputs) == ["t#3"]
    assert icl[0].example_text == "Seed of World. It ends."


def test_no_row_is_in_both_pools(tokenizer):
    rows = [found([0.6] * 10, seed=f"s{i}") for i in range(3)]
    icl, inputs, report = pools(rows, tokenizer)
    assert not set(ids(icl)) & set(ids(inputs))
    assert (len(icl), len(inputs)) == (6, 24) == (report.icl["World"], report.inputs["World"])


def test_non_retricl_has_one_demonstration_a_seed_and_all_ranks(tokenizer):
    icl, inputs, _ = pools([found([0.45, 0.95, 0.5])], tokenizer, "non-retricl")
    assert ids(icl) == ["s"] and icl[0].context is None
    assert [row.rank for row in inputs] == [1, 3]


def test_a_document_of_19_tokens_is_dropped_and_one_of_20_kept(tokenizer):
    words = "go " * 30

    def tokens(n):
        text = words
        while len(tokenizer(text, add_special_tokens=False)["input_ids"]) > n:
            text = text[:-1]
        assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == n
        return text

    row = found([0.6, 0.6], first=3, texts=[tokens(19), tokens(20)])
    _, inputs, report = pools([row], tokenizer)
    assert [one.rank for one in inputs] == [4] and report.dropped == {"short": {"World": 1}}


def test_bm25_has_rank_windows_only_and_random_no_retricl(tokenizer):
    row = found([31.0, 12.0, 4.0, 0.0], metric="bm25")
    icl, inputs, report = pools([row], tokenizer)
    assert [one.rank for one in icl] == [1, 2] and [one.rank for one in inputs] == [3, 4]
    assert report.windows == {"metric": "bm25"}
    with pytest.raises(UserError, match="do not fit RetrICL"):
        pools([found([0.0], metric="random")], tokenizer)
    _, inputs, _ = pools([found([0.0] * 3, metric="random")], tokenizer, "non-retricl")
    assert len(inputs) == 3


def test_per_label_draws_and_reports_what_is_missing(tokenizer):
    rows = [found([0.6] * 10)]
    _, inputs, report = pools(rows, tokenizer, per_label=3)
    assert len(inputs) == 3 and not report.shortfall
    assert pools(rows, tokenizer, per_label=3)[1] == inputs
    _, inputs, report = pools(rows, tokenizer, per_label=20)
    assert len(inputs) == 8 and report.shortfall == {"World": 12}
    with pytest.raises(UserError, match="8 inputs, 20 were asked for"):
        pools(rows, tokenizer, per_label=20, strict=True)


def test_too_small_pools_and_empty_windows_are_errors(tokenizer):
    with pytest.raises(UserError, match="2 demonstrations for 3 shots"):
        pools([found([0.6] * 5)], tokenizer, shots=3)
    with pytest.raises(
        UserError, match=r"no document of label 'World' within \[0.4, 0.9\]; scores seen 0.10..0.20"
    ):
        pools([found([0.1, 0.2])], tokenizer)
    with pytest.raises(UserError, match="no verbalizer"):
        pools([found([0.6], label="Weather")], tokenizer)


def test_a_document_of_two_labels_stays_for_both(tokenizer):
    one, two = found([0.6], first=3), found([0.6], label="Sports", first=3)
    _, inputs, report = pools([one, two.model_copy(update={"seed_id": "t"})], tokenizer)
    assert len(inputs) == 2 and report.shared_documents == 1


def test_a_label_may_hold_quotes(tokenizer):
    label = 'it\'s "odd" {0}'
    task = Task(
        name="t",
        labels={label: "odd things"},
        document_header="Doc:",
        answer_prefix="Out:",
        instruction="About {{ label }}.",
        fewgen_instruction="Write {{ label }}.",
    )
    icl, inputs, report = pools([found([0.6] * 4, label=label)], tokenizer, task=task)
    assert (len(icl), len(inputs), report.inputs[label]) == (2, 2, 2)


def test_windows_from_quantiles():
    rows = [found([0.3, 0.2, 0.1], seed="a"), found([0.5, 0.4, 0.3], seed="b")]
    icl, inputs = windows_of(rows, (0.0, 1.0), [1], [2, 3])
    assert icl == (0.3, 0.5) and inputs == (0.1, 0.4)
    assert windows_of(rows, None, [1], [2]) == ((0.5, 0.9), (0.4, 0.9))
    with pytest.raises(UserError, match="between 0 and 1"):
        windows_of(rows, (0.5, 1.5), [1], [2])


def test_documents_are_streamed_from_shards(tmp_path):
    rows = [Document(id=f"d{i}", text=f"text {i}") for i in range(5)]
    assert write_shards(tmp_path, rows, 2) == (5, 3)
    assert list(read_documents(tmp_path)) == rows
    assert fetch_texts(tmp_path, {"d4", "d1"}) == {"d1": "text 1", "d4": "text 4"}
    with pytest.raises(UserError, match="no document 'x'"):
        fetch_texts(tmp_path, {"x"})
    with pytest.raises(UserError, match="zero documents"):
        write_shards(tmp_path / "none", [], 2)


def test_repeated_document_ids_are_an_error(tmp_path):
    file = write_rows(tmp_path / "docs.jsonl", [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}])
    with pytest.raises(UserError, match=r"docs.jsonl:2: id 'a' repeats"):
        list(read_documents(file))


def test_dense_retrieval_is_exact_and_knows_its_corpus(tmp_path, tiny_encoder, news):
    docs = news / "docs.jsonl"
    shards = embed_corpus(docs, tmp_path / "emb", str(tiny_encoder), dtype="float32", shard_size=7)
    seeds = read_rows(news / "train.jsonl", Example)[:3]
    rows = retrieve_dense(seeds, shards, docs, 5)
    documents = list(read_documents(docs))
    vectors = embed([one.text for one in documents], str(tiny_encoder))
    scores = embed([seed.text for seed in seeds], str(tiny_encoder)) @ vectors.T
    for row, mine in zip(rows, scores, strict=True):
        best = np.argsort(-mine, kind="stable")[:5]
        assert [one.rank for one in row.results] == [1, 2, 3, 4, 5]
        assert [one.score for one in row.results] == pytest.approx(mine[best].tolist(), abs=1e-5)
        texts = {one.id: one.text for one in documents}
        assert all(one.text == texts[one.doc_id] for one in row.results)
    other = write_rows(tmp_path / "other.jsonl", [{"id": "z", "text": "other"}])
    with pytest.raises(UserError, match="its hash differs"):
        retrieve_dense(seeds, shards, other, 5)
    assert corpus_digest(docs) == EmbeddingShards(tmp_path / "emb").meta["corpus_sha256"]


def test_the_other_retrievers(news):
    seeds = read_rows(news / "train.jsonl", Example)[:3]
    bm25, _ = retrieve_by("bm25", seeds, news / "docs.jsonl", top_k=4)
    assert [len(row.results) for row in bm25] == [4] * 3 and bm25[0].results[0].metric == "bm25"
    drawn, _ = retrieve_by("random", seeds, news / "docs.jsonl", top_k=4)
    names = [one.doc_id for row in drawn for one in row.results]
    assert len(set(names)) == len(names) == 12 and drawn[0].results[0].score == 0
    with pytest.raises(UserError, match="retriever tfidf: unknown"):
        retrieve_by("tfidf", seeds, news / "docs.jsonl")


def test_bm25_results_may_be_rescored_with_cosines(news, tiny_encoder):
    seeds = read_rows(news / "train.jsonl", Example)[:2]
    plain, _ = retrieve_by("bm25", seeds, news / "docs.jsonl", top_k=3)
    scored, _ = retrieve_by("bm25", seeds, news / "docs.jsonl", top_k=3, rescore=str(tiny_encoder))
    for a, b in zip(plain, scored, strict=True):
        assert [one.doc_id for one in a.results] == [one.doc_id for one in b.results]
        assert all(one.metric == "cosine" and -1 <= one.score <= 1.0001 for one in b.results)


def test_documents_that_leak_the_test_set_are_left_out(tmp_path, tiny_encoder, news):
    leak = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    documents = [
        Document(id="a", text=f"Before. {leak} after"),
        Document(id="b", text="other"),
        Document(id="c", text="Some test row."),
    ]
    assert near_duplicates(documents, [leak.upper()]) == {"a": "13-gram"}
    assert near_duplicates(documents, ["Some test row."], str(tiny_encoder))["c"] == "cosine"
    seeds = read_rows(news / "train.jsonl", Example)[:2]
    whole, none = retrieve_by("bm25", seeds, news / "docs.jsonl", top_k=3)
    victim = next(
        one for one in read_documents(news / "docs.jsonl") if one.id == whole[0].results[0].doc_id
    )
    test = write_rows(tmp_path / "test.jsonl", [{"text": victim.text}])
    cut, leaks = retrieve_by("bm25", seeds, news / "docs.jsonl", top_k=3, exclude=test)
    assert none == {} and sum(leaks.values()) >= 1
    assert victim.id not in [one.doc_id for row in cut for one in row.results]
    assert [one.rank for one in cut[0].results] == [1, 2, 3]


def test_unknown_fields_travel_along(tmp_path):
    file = write_rows(tmp_path / "x.jsonl", [{"id": "a", "text": "t", "label": "l", "round": 2}])
    row = read_rows(file, Example)[0]
    assert row.unknown == {"round": 2} and json.loads(row.model_dump_json())["round"] == 2


@pytest.mark.acceptance
def test_bm25_equals_rank_bm25_on_the_abc_corpus(data):
    """Check 8, with a word in more than half of the documents."""
    from rank_bm25 import BM25Okapi
    from synthesizrr.scoring.tokens import word_tokens
    from tenpapers.embedding import Bm25Index

    rows = rows_of(data / "abc_news_corpus.jsonl.gz")
    tokens = [word_tokens(row["text"]) for row in rows]
    peer = BM25Okapi(tokens)
    ours = Bm25Index.build([(row["id"], row["text"]) for row in rows], word_tokens)
    assert sum("the" in one for one in tokens) > len(tokens) / 2
    for query in ("the fire near Sydney", "the the Palestinian talks in Zinni", "unknownword fire"):
        wanted = peer.get_scores(word_tokens(query))
        assert ours.scores(query) == pytest.approx(wanted, abs=1e-9)
