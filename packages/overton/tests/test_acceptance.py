"""On the recorded outputs: every value that came with them, and peers on the same texts."""

import json
from collections import Counter

import numpy as np
import pytest
from overton import bertscore_pairs, knn, load_samples, rouge_l
from overton.embedding.bertscore import TokenEncoder
from overton.embedding.vectors import TextVectors
from overton.inputs.layout import LIMA, published_folder
from overton.scoring.tokens import rouge_tokens
from overton.study.expected import compare_trees
from overton.study.replay_neighbours import replay_neighbours
from overton.study.tree import (
    bertscore_tree,
    compared,
    coverage_tree,
    lexical_tree,
    load_runs,
    similarity_tree,
    verdict_tree,
)
from tenpapers.testing import whole_acceptance

pytestmark = pytest.mark.acceptance
WHOLE = whole_acceptance()


@pytest.fixture(scope="module")
def folder(data):
    return published_folder(data)


@pytest.fixture(scope="module")
def runs(folder):
    return load_runs(folder)


@pytest.fixture(scope="module")
def expected(data):
    return json.loads((data / "expected.json").read_text())


def held(expected, ours, *, cosines=True):
    found = compare_trees({key: expected[key] for key in ours if key in expected}, ours)
    found = [one for one in found if cosines or "_cos" not in one.name]
    assert [(one.name, one.expected, one.ours) for one in found if not one.agrees] == []
    return len(found)


def test_what_the_folder_holds(runs):
    assert [(name, len(models)) for name, models in runs.items()] == [
        ("LIMA-OE", 34),
        ("ConflictingQA", 7),
    ]
    assert {len(one.ids) for one in runs[LIMA].values()} == {35}
    assert {len(one.ids) for one in runs["ConflictingQA"].values()} == {325}
    five = runs[LIMA]["llama-2-icl-chat-5nn-prompt_similar"]
    assert (five.failed, len(list(five.usable()))) == (170, 1)
    assert runs[LIMA]["llama-2-icl-chat-knn-response_similar"].failed == 10


def test_every_lexical_value_comes_out(runs, expected):
    assert held(expected, lexical_tree(runs) | {"coverage": coverage_tree(runs)}) == 591


def test_every_judged_value_comes_out(folder, expected):
    assert held(expected, verdict_tree(folder) | {"bertscore": bertscore_tree(folder)}) == 338


def test_every_similarity_of_words_comes_out(runs, expected):
    ours = {"similarity_LIMA-OE": similarity_tree(compared(runs, None))}
    assert held(expected, ours, cosines=False) == 408


@pytest.mark.slow
def test_every_cosine_comes_out(runs, expected):
    """A quarter of an hour for all on one core: `make test` takes the shortest alternative."""
    names = None if WHOLE else ("llama-2-chat", "gpt-3.5-turbo-summary-llama-2-chat")
    some = {name: run for name, run in runs[LIMA].items() if names is None or name in names}
    ours = similarity_tree(compared({LIMA: some}, TextVectors()))
    wanted = expected["similarity_LIMA-OE"]
    wanted = wanted if WHOLE else {pair: wanted[pair] for pair in ours}
    assert held({"pairs": wanted}, {"pairs": ours}) == (612 if WHOLE else 12)


def test_similarity_rises_from_the_base_to_examples_to_hints(runs):
    order = ["base", "icl", "icl-chat", "icl-chat-summary"]
    names = [f"llama-2-{name}" for name in order] + ["mistral-icl-chat-summary"]
    found = {one.alternative: one for one in compared(runs, None)[: len(runs[LIMA])]}
    for metric in ("jaccard", "rougeL"):
        means = [found[name].scores[metric].mean for name in names]
        assert means == sorted(means)


def test_every_published_neighbour_is_found(data, folder):
    with np.load(data / "LIMA-OE" / "embeddings" / "prompt_similar.npz") as arrays:
        assert knn(arrays["embeddings"], 5)[0][:3].tolist() == [18, 11, 45]
    found = replay_neighbours(folder)
    assert found["runs"]["LIMA-OE:neighbours"] == {"rows": 50, "same": 50}
    assert found["rows"] == found["same"] > 50
    assert Counter(run["rows"] for run in found["runs"].values())[35] >= 3


def test_bertscore_is_that_of_the_bert_score_package(data):
    fixture = json.loads((data / "bertscore_minilm_fixture.json").read_text())
    encoder = TokenEncoder.load("minilm")
    reference = load_samples(data / "LIMA-OE" / "outputs" / "llama-2-chat.jsonl.gz")
    pairs = [pair for pair in fixture["pairs"] if "alt_model" in pair]
    names = {pair["alt_model"] for pair in pairs}
    alternatives = {
        name: load_samples(data / "LIMA-OE" / "outputs" / f"{name}.jsonl.gz") for name in names
    }
    cands, refs = [], []
    for pair in pairs:
        place = reference.ids.index(pair["instance_id"])
        refs.append(reference.texts[place][0])
        cands.append(alternatives[pair["alt_model"]].texts[place][pair["alt_sample_index"]])
    wanted = [[pair[key] for key in ("precision", "recall", "f1")] for pair in pairs]
    assert np.abs(bertscore_pairs(cands, refs, encoder) - wanted).max() < 2e-5
    ref, cand = fixture["toy_texts"][1]
    # together with long texts, and still as if alone
    scores = bertscore_pairs([cand, cands[0]], [ref, refs[0]], encoder)
    assert scores[0].tolist() == pytest.approx([0.166132, 0.222994, 0.190408], abs=2e-5)


def test_rouge_is_that_of_the_rouge_score_package(runs):
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    chat, base = (runs[LIMA][name] for name in ("llama-2-chat", "llama-2-base"))
    pairs = [
        (own[0], text)
        for own, texts in zip(chat.texts, base.texts, strict=True)
        for text in texts[:3]
    ]
    for reference, text in pairs[: 100 if WHOLE else 24]:
        theirs = scorer.score(reference, text)["rougeL"]
        ours = rouge_l(rouge_tokens(reference), rouge_tokens(text))
        assert ours == (theirs.precision, theirs.recall, theirs.fmeasure)
