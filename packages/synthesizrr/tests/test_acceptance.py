"""Against the published data of shared/data/synthesizrr and their fixtures."""

import json

import pytest
from synthesizrr.baselines.attrprompt import draw_attributes, load_attributes
from synthesizrr.inputs.task import load_task
from synthesizrr.records import InputRow
from synthesizrr.scoring.entities import entity_counts, load_nlp, summary
from synthesizrr.scoring.self_bleu import self_bleu
from synthesizrr.scoring.tokens import token_lists, word_tokens

from .conftest import command, read_lines, write_rows

pytestmark = pytest.mark.acceptance


def test_published_values_of_the_real_sets(data):
    """Every Self-BLEU value of the fixtures."""
    fixtures = json.loads((data / "metric_fixtures.json").read_text())["self_bleu"]
    for name, wanted in fixtures.items():
        file, _, part = name.partition("/")
        rows = read_lines(data / f"{file}.jsonl.gz")
        kinds = ("label", "source", "round")
        chosen = [
            row
            for row in rows
            if not part or part.removeprefix("round") in [str(row.get(kind)) for kind in kinds]
        ]
        assert len(chosen) == wanted["all_rows"]["rows"]
        tokens = token_lists([row["text"] for row in chosen])
        whole, first = self_bleu(tokens).mean, self_bleu(tokens[:120]).mean
        split = self_bleu(token_lists([row["text"] for row in chosen], "whitespace")).mean
        for n in range(1, 6):
            assert whole[n] == pytest.approx(wanted["all_rows"][str(n)], abs=1e-9)
            if "first_120_naive_nltk" in wanted:
                assert first[n] == pytest.approx(wanted["first_120_naive_nltk"][str(n)], abs=1e-9)
        assert split[5] == pytest.approx(wanted["all_rows_whitespace_tokens"]["5"], abs=1e-9)


def test_published_entity_entropies(data):
    """Three of the sets here, all seven were compared once by hand."""
    fixtures = json.loads((data / "metric_fixtures.json").read_text())["self_bleu"]
    for name in ("ag_news", "amazon_humor/humorous", "movie_sentences/mr"):
        file, _, part = name.partition("/")
        rows = [
            row
            for row in read_lines(data / f"{file}.jsonl.gz")
            if not part or part in (row.get("label"), row.get("source"))
        ]
        found = summary(entity_counts([row["text"] for row in rows[:500]], load_nlp()))
        wanted = fixtures[name]["entity_entropy_first_500_sm_3.8.0"]
        assert found.keys() == wanted.keys()
        for kind in wanted:
            assert found[kind] == pytest.approx(wanted[kind], abs=1e-9)


def test_attrprompts_published_values(data):
    file = data / "attrprompt_attributes.json"
    for task in (load_task("ag_news"), load_task("category")):
        attributes = load_attributes(task, file)
        for label in task.labels:
            drawn = draw_attributes(InputRow(id="x", label=label), attributes, 1)
            assert len(drawn) == len(attributes) and all(drawn.values())


def test_bm25_equals_rank_bm25_on_the_abc_corpus(data):
    """With a word in more than half of the documents."""
    from synthesizrr import Bm25Index

    rows = read_lines(data / "abc_news_corpus.jsonl.gz")
    tokens = [word_tokens(row["text"]) for row in rows]
    peer = pytest.importorskip("rank_bm25").BM25Okapi(tokens)
    ours = Bm25Index.build([(row["id"], row["text"]) for row in rows], word_tokens)
    assert sum("the" in one for one in tokens) > len(tokens) / 2
    for query in ("the fire near Sydney", "the the Palestinian talks in Zinni", "unknownword fire"):
        wanted = peer.get_scores(word_tokens(query))
        assert ours.scores(query) == pytest.approx(wanted, abs=1e-9)


def test_reviews_by_a_model_repeat_themselves(tmp_path, data):
    """At equal N at least twice the Self-BLEU-5 of news."""
    rows = [row for row in read_lines(data / "imdb_llm_synthetic.jsonl.gz") if row["round"] == 1]
    reviews = write_rows(tmp_path / "reviews.jsonl", rows[:600])
    command(
        "compare", reviews, data / "ag_news.jsonl.gz", "--metrics", "self-bleu", "--out", tmp_path
    )
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert {one["n"] for one in found.values()} == {600}
    fives = {name: one["self_bleu"]["5"] for name, one in found.items()}
    assert fives["reviews.jsonl"] >= 2 * fives["ag_news.jsonl.gz"]
