import numpy as np
import pytest
from synthesizrr.baselines.attrprompt import draw_attributes, load_attributes
from synthesizrr.baselines.progen import helpfulness
from synthesizrr.baselines.regen import regen
from synthesizrr.baselines.run import BaselineRun, generate_baseline
from synthesizrr.baselines.student_vectors import LOG_ZERO
from synthesizrr.baselines.sungen import learn_weights, resampled
from synthesizrr.inputs.task import load_task
from synthesizrr.inversion.teacher import GenerateConfig
from synthesizrr.records import Example, Generation, InputRow, read_rows
from synthesizrr.sourcing.retrieve import embed_corpus
from tenpapers.errors import UserError

AG = load_task("ag_news")


def reverse_cross_entropy(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -sum_k p_k ln y_k, where ln 0 is -4: robust to wrong labels.

    Parameters
    ----------
    probs : float [N, C]; labels : int [N].
    """
    return float(np.mean(-LOG_ZERO * (1 - probs[np.arange(len(labels)), labels])))


@pytest.fixture
def run(tmp_path, teacher, tokenizer, news):
    def make(per_label=2, **more):
        seeds = read_rows(news / "train.jsonl", Example)
        config = GenerateConfig(mode="fewgen", shots=1, max_new_tokens=8)
        return BaselineRun(
            AG,
            seeds,
            teacher,
            config,
            tmp_path / "generations.jsonl",
            tokenizer,
            per_label=per_label,
            **more,
        )

    return make


def made(run):
    return read_rows(run.out, Generation, labels=list(AG.labels))


def counts(run):
    labels = [row.label for row in made(run)]
    return {labels.count(label) for label in AG.labels}


def test_fewgen_shows_seeds_and_no_document(run):
    one = run()
    generate_baseline("fewgen", one)
    assert counts(one) == {2}
    labels = {seed.id: seed.label for seed in one.seeds}
    for row in made(one):
        assert row.context is None and row.shots_used == 1
        assert labels[row.icl_ids[0]] == row.label


def test_simprompt_has_no_shots(run):
    one = run()
    generate_baseline("simprompt", one)
    assert counts(one) == {2} and {row.shots_used for row in made(one)} == {0}


def test_attrprompt_draws_a_value_of_every_attribute(run, tmp_path):
    one = run()
    generate_baseline("attrprompt", one)
    assert counts(one) == {2} and {row.temperature for row in made(one)} == {1.0}
    ours = load_attributes(AG, None)
    for row in made(one):
        drawn = row.unknown["attributes"]
        assert drawn.keys() == ours.keys() and drawn["subtopic"] in ours["subtopic"][row.label]
    row = InputRow(id="x", label="Sci/Tech")
    nested = {"length": {"length": ["30"]}, "topic": {"sci_tech": ["robots"], "world": ["war"]}}
    assert draw_attributes(row, nested, 0) == {"length": "30", "topic": "robots"}
    file = tmp_path / "a.json"
    file.write_text(
        '{"agnews": {"length": {"length": ["30"]}}, "amazon": {"length": {"l": ["1"]}}}'
    )
    assert load_attributes(AG, file) == {"length": {"length": ["30"]}}
    with pytest.raises(UserError, match="no attributes of task sst2"):
        load_attributes(load_task("sst2"), None)


@pytest.mark.acceptance
def test_attrprompts_published_values(data):
    file = data / "attrprompt_attributes.json"
    for task in (AG, load_task("category")):
        attributes = load_attributes(task, file)
        for label in task.labels:
            drawn = draw_attributes(InputRow(id="x", label=label), attributes, 1)
            assert len(drawn) == len(attributes) and all(drawn.values())


def test_helpful_rows_are_those_with_right_labels():
    source = np.random.default_rng(0)
    labels = np.arange(120) % 2
    vectors = np.hstack([source.normal(size=(120, 5)) + 2 * labels[:, None], np.ones((120, 1))])
    wrong = np.array([0, 1, 24, 25, 48, 49, 72, 73])
    noisy = labels.copy()
    noisy[wrong] = 1 - noisy[wrong]
    scores = helpfulness(vectors, noisy, 2)
    assert scores[wrong].max() < np.median(np.delete(scores, wrong))


def test_helpfulness_is_what_more_weight_does():
    """Influence against a second fit in which one row counts a little more."""
    from sklearn.linear_model import LogisticRegression

    source = np.random.default_rng(1)
    labels = np.arange(80) // 2 % 2
    vectors = np.hstack([source.normal(size=(80, 3)) + labels[:, None], np.ones((80, 1))])
    scores = helpfulness(vectors, labels, 2)
    train, valid = np.arange(0, 80, 2), np.arange(1, 80, 2)

    def loss(weights):
        model = LogisticRegression(max_iter=1000, fit_intercept=False, tol=1e-10)
        model.fit(vectors[train], labels[train], sample_weight=weights)
        return reverse_cross_entropy(model.predict_proba(vectors[valid]), labels[valid])

    base = loss(np.ones(40))
    effects = []
    for place in range(40):
        weights = np.ones(40)
        weights[place] += 0.2
        effects.append(base - loss(weights))
    assert np.corrcoef(effects, scores[train])[0, 1] > 0.9


def test_progen_feeds_helpful_rows_back(run):
    one = run(per_label=4, rounds=2)
    found = generate_baseline("progen", one)
    assert counts(one) == {4}
    assert found["round 1"]["shots"] == 0
    second = [row for row in made(one) if row.id.startswith("progen1-")]
    first = {row.id for row in made(one)} - {row.id for row in second}
    for row in second:
        assert {name.rpartition("###")[0] for name in row.icl_ids} <= first


def test_learned_weights_are_lower_for_wrong_labels():
    labels = np.arange(240) % 2
    texts = [
        ("good fine great " if label else "bad awful poor ") + str(n)
        for n, label in enumerate(labels)
    ]
    wrong = [0, 1, 20, 21, 40, 41, 60, 61, 80, 81, 100, 101]  # places 0 mod 10 of either label
    noisy = labels.copy()
    noisy[wrong] = 1 - noisy[wrong]
    weights = learn_weights(texts, noisy, 2, rounds=40)
    assert weights.min() >= 0 and weights.max() <= 1
    right = np.setdiff1d(np.flatnonzero(np.arange(240) // 2 % 4 != 3), wrong)
    assert weights[wrong].mean() < 0.6 * weights[right].mean()
    kept = resampled(noisy, weights, 60, seed=0)
    assert [noisy[place] for place in kept].count(0) == 60 and len(set(kept)) == 120


def test_sungen_keeps_weighted_rows(run):
    one = run(per_label=2)
    found = generate_baseline("sungen", one)
    assert found["pool"] <= 16 and counts(one) <= {1, 2}
    assert all(0 <= row.unknown["weight"] <= 1 for row in made(one))


def test_s3_asks_for_rows_like_the_errors(run):
    one = run(per_label=2, rounds=1)
    found = generate_baseline("s3", one)
    errors = found["round 1"]["errors"]
    extra = [row for row in made(one) if row.id.startswith("s3-")]
    assert errors > 0 and len(extra) == 4
    assert all(row.icl_ids == [row.seed_id] for row in extra)


def test_regen_takes_documents_near_the_labels_words(tmp_path, news):
    shards = embed_corpus(news / "docs.jsonl", tmp_path / "emb", "minilm")
    rows = regen(AG, shards, news / "docs.jsonl", top=5, rounds=2)
    assert rows and len({row.doc_id for row in rows}) == len(rows)
    right = [row.label in row.doc_id for row in rows]
    assert sum(right) / len(right) > 0.5


def test_unknown_methods(run):
    with pytest.raises(UserError, match="method gan: unknown"):
        generate_baseline("gan", run())
