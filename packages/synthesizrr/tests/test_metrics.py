import json
import math

import numpy as np
import pytest
from synthesizrr.filtering.cartography import Filter, cartography, kept
from synthesizrr.records import TextRow
from synthesizrr.scoring.cosines import cosine_matrix, pairwise_cosine
from synthesizrr.scoring.entities import (
    entity_counts,
    entity_entropy,
    entity_recall,
    entity_stats,
    entropy_bits,
    load_nlp,
    mean_entropy,
    summary,
    top_entities,
)
from synthesizrr.scoring.label_mix import match_distribution, shares
from synthesizrr.scoring.lengths import text_length
from synthesizrr.scoring.mauve import Features, matched_reference, mauve
from synthesizrr.scoring.measure import DataSet, EvalConfig, Given, equalized, measure
from tenpapers.errors import UserError

from .conftest import rows_of


def test_entropy_of_counts_by_hand():
    assert entropy_bits([1, 1, 1, 1]) == 2
    assert entropy_bits([8]) == 0 and not math.copysign(1, entropy_bits([8])) < 0
    assert entropy_bits([2, 1, 1]) == 1.5
    assert entropy_bits([2, 0, 2]) == 1


def test_entities_are_told_apart_by_case_and_type():
    nlp = load_nlp()
    texts = ["Paris is in France.", "He lives in Paris, France.", "Toyota hired Angela Merkel."]
    frame = entity_stats(texts, nlp)
    assert list(frame.columns) == ["entity", "type", "count"]
    places = frame[frame["type"] == "GPE"].set_index("entity")["count"].to_dict()
    assert places == {"Paris": 2, "France": 2}
    counts = entity_counts(texts, nlp)
    assert entity_entropy(frame) == entity_entropy(counts)
    assert entity_entropy(counts)["GPE"] == 1 and "MONEY" not in entity_entropy(counts)


def test_recall_and_top_entities():
    gold = {"GPE": {"Paris": 3, "Rome": 1}, "ORG": {"Paris": 1}}
    made = {"GPE": {"Paris": 7}}
    assert entity_recall(gold, made) == {"distinct": 1 / 3, "weighted": 3 / 5}
    assert entity_recall({}, made) == {"distinct": None, "weighted": None}
    assert top_entities(gold, 1)["GPE"] == [("Paris", 3, 0.75)]
    assert mean_entropy([gold, made]) == [entropy_bits([3, 1]), 0.0]
    assert mean_entropy([gold, {"LAW": {"x": 1}}]) == [None, None]


@pytest.mark.acceptance
def test_published_entity_entropies(data):
    """Check 5: three of the sets here, all seven were compared once by hand."""
    fixtures = json.loads((data / "metric_fixtures.json").read_text())["self_bleu"]
    for name in ("ag_news", "amazon_humor/humorous", "movie_sentences/mr"):
        file, _, part = name.partition("/")
        rows = [
            row
            for row in rows_of(data / f"{file}.jsonl.gz")
            if not part or part in (row.get("label"), row.get("source"))
        ]
        found = summary(entity_counts([row["text"] for row in rows[:500]], load_nlp()))
        wanted = fixtures[name]["entity_entropy_first_500_sm_3.8.0"]
        assert found.keys() == wanted.keys()
        for kind in wanted:
            assert found[kind] == pytest.approx(wanted[kind], abs=1e-9)


def test_lengths():
    found = text_length(["It's here.", "no"])
    assert found["mean"] == 6 and found["std"] == pytest.approx(math.sqrt(32))
    assert found["words"]["mean"] == 2.5  # It 's here . / no
    assert text_length(["a"])["std"] is None


def test_cosines_equal_the_mean_over_all_pairs():
    vectors = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    labels = ["a", "a", "b", "a", "b", "b", "b"]
    table, pairs = cosine_matrix(vectors, labels), pairwise_cosine(vectors)
    for a in "ab":
        for b in "ab":
            rows = [i for i in range(7) if labels[i] == a]
            columns = [i for i in range(7) if labels[i] == b]
            assert table[a][b] == pytest.approx(pairs[np.ix_(rows, columns)].mean(), abs=1e-6)


def test_mauve_of_equal_and_of_far_features():
    near = np.random.default_rng(0).normal(size=(400, 32)).astype(np.float32)
    assert mauve(near, near) == pytest.approx(1, abs=1e-6)
    assert mauve(near, near + 10) == pytest.approx(0.5, abs=0.01)
    assert mauve(near, near + 10, scaling=5) < 0.02


def test_mauve_needs_rows_and_numbers():
    few = np.zeros((5, 3), dtype=np.float32)
    with pytest.raises(UserError, match="need at least num_buckets rows"):
        mauve(few, few)
    many = np.zeros((40, 3), dtype=np.float32)
    bad = many.copy()
    bad[6, 1] = np.nan
    with pytest.raises(UserError, match="generated row 7"):
        mauve(many, bad)


def test_the_reference_gets_the_mix_of_the_set():
    rows = matched_reference(["a", "a", "a", "b"], ["a", "b", "b", "a"], seed=1)
    assert sorted(rows[:3] % 3) == [0, 0, 0] or set(rows[:3]) <= {0, 3}
    assert len(rows) == 4 and set(rows[:3]) == {0, 3} and rows[3] in (1, 2)
    assert len(matched_reference(["a", None], ["x"], seed=1)) == 2


def test_features_are_computed_once_a_text(tmp_path, tiny_encoder):
    made = Features(str(tiny_encoder), tmp_path)
    first = made(["one", "two", "one"])
    assert np.array_equal(first[0], first[2])
    again = Features(str(tiny_encoder), tmp_path)
    again._compute = None  # reading from disk must do
    assert np.array_equal(again(["two", "one"]), first[[1, 0]])


def test_features_of_a_causal_model_are_its_last_tokens(tmp_path, tokenizer):
    import torch
    from synthesizrr.scoring.mauve import last_states
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=64,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    texts = ["a much longer text than the other one", "short"]
    found = last_states(texts, f"hf:{tmp_path}")
    model = GPT2Model.from_pretrained(tmp_path).eval()
    for text, row in zip(texts, found, strict=True):
        with torch.inference_mode():
            ids = torch.tensor([tokenizer(text)["input_ids"]])
            wanted = model(ids).last_hidden_state[0, -1].numpy()
        assert row == pytest.approx(wanted, abs=1e-5)


def test_match_distribution_by_hand():
    labels = ["a"] * 10 + ["b"] * 4

    def counts(target, n=None, **more):
        rows = match_distribution(labels, target, n, **more)
        assert len(set(rows.tolist())) == len(rows)
        return [labels[row] for row in rows].count("a"), [labels[row] for row in rows].count("b")

    assert counts({"a": 0.5, "b": 0.5}) == (4, 4)
    assert counts({"a": 0.5, "b": 0.5}, 6) == (3, 3)
    assert counts({"a": 0.75, "b": 0.25}) == (10, 3)
    assert counts({"a": 0.5, "b": 0.5}, 14, allow_off=True) == (4, 4)
    with pytest.raises(UserError, match="label 'b' has 4 rows"):
        match_distribution(labels, {"a": 0.5, "b": 0.5}, 14)
    with pytest.raises(UserError, match="no row of label 'c'"):
        match_distribution(labels, {"a": 0.5, "c": 0.5})
    same = [match_distribution(labels, {"a": 0.5, "b": 0.5}, seed=3).tolist() for _ in "xy"]
    assert same[0] == same[1]
    assert shares(["a", "b", "a", "a"]) == {"a": 0.75, "b": 0.25}


def test_cartography_by_hand():
    probs = np.array([[[0.2, 0.8]], [[0.4, 0.6]], [[0.9, 0.1]]], dtype=np.float64)
    confidence, variability, correctness = cartography(probs, np.array([0]))
    assert confidence[0] == pytest.approx(0.5)
    assert variability[0] == pytest.approx(0.2943920288775949)
    assert correctness[0] == pytest.approx(1 / 3)
    with pytest.raises(UserError, match="for 2 labels"):
        cartography(probs, np.array([0, 1]))


def test_the_top_share_is_kept_within_each_label():
    values = {"confidence": np.arange(100) / 100, "variability": np.zeros(100)}
    top = [Filter("confidence", top=0.83)]
    assert kept(values, ["x"] * 100, top).sum() == 83
    ten = {"confidence": np.arange(1, 11) / 10}
    assert kept(ten, ["x"] * 10, top).sum() == 8
    # The lower half is label a: over all rows it would lose most, within the labels both lose 17 %.
    labels = ["a"] * 50 + ["b"] * 50
    inside = kept(values, labels, top)
    assert (inside[:50].sum(), inside[50:].sum()) == (41, 41)
    overall = kept(values, labels, [Filter("confidence", top=0.83, scope="overall")])
    assert (overall[:50].sum(), overall[50:].sum()) == (33, 50)


def test_other_filters():
    values = {"confidence": np.array([0.1, 0.5, 0.9]), "correctness": np.array([0, 0.5, 1.0])}
    labels = ["x"] * 3
    assert kept(values, labels, [Filter("confidence", low=0.5)]).tolist() == [False, True, True]
    assert kept(values, labels, [Filter("confidence", low=0.2, high=0.5)]).sum() == 1
    both = [Filter("confidence", low=0.5), Filter("correctness", bottom=0.5)]
    assert kept(values, labels, both).tolist() == [False, True, False]
    for wrong, told in [
        ([], "no filter"),
        ([Filter("confidence", top=1, low=0)], "top, bottom or a range"),
        ([Filter("confidence")], "top, bottom or a range"),
        ([Filter("confidence", top=0.5), Filter("confidence", low=0)], "two filters"),
        ([Filter("ease", top=0.5)], "unknown value"),
        ([Filter("confidence", top=1.5)], "not within 0 and 1"),
    ]:
        with pytest.raises(UserError, match=told):
            kept(values, labels, wrong)


def rows(*pairs):
    return [TextRow(text=text, label=label) for text, label in pairs]


def test_sets_are_cut_to_one_size_and_mix():
    first = DataSet("a", rows(*[(f"x{i}", "p" if i < 6 else "q") for i in range(10)]))
    second = DataSet("b", rows(*[(f"y{i}", "p" if i < 2 else "q") for i in range(9)]))
    (one, two), how = equalized([first, second], 42)
    assert sorted(one.labels) == sorted(two.labels) == ["p"] * 2 + ["q"] * 4
    assert how == "equal size and label mix"
    plain = DataSet("c", rows(*[(f"z{i}", None) for i in range(3)]))
    cut, how = equalized([first, plain], 42)
    assert [len(each.rows) for each in cut] == [3, 3] and "mix stays" in how


def test_what_cannot_be_measured_is_said_at_once():
    data = DataSet("a", rows(("x", "p"), ("y", "q")))
    for metrics, given, told in [
        (["bleu"], Given(), "metric bleu: unknown"),
        (["mauve"], Given(), "MAUVE needs human texts"),
        (["label-preservation"], Given(), "needs labelled gold rows"),
        (["label-preservation"], Given(gold=DataSet("g", rows(("x", "p")))), "no row of label q"),
    ]:
        with pytest.raises(UserError, match=told):
            measure(data, EvalConfig(metrics=metrics), given)
