import numpy as np
import pytest
from synthesizrr.filtering.cartography import Filter
from synthesizrr.filtering.filter import filter_rows, final_sample, parse_filter
from synthesizrr.records import Synthetic, TextRow
from synthesizrr.students.classifiers import STUDENTS, StudentSpec, fit, student_spec
from synthesizrr.students.train import (
    fit_oracle,
    grade,
    grid,
    held_out,
    label_preservation,
    searched,
    train_student,
)
from tenpapers.errors import UserError

WORDS = {"a": "apple banana cherry", "b": "wrench hammer nail"}


def rows(n, kind=TextRow, labels="ab"):
    return [
        kind(id=f"{label}{i}", text=f"{WORDS[label]} {i}", label=label)
        for i in range(n)
        for label in labels
    ]


@pytest.fixture(scope="module")
def spec(tiny_encoder):
    return StudentSpec("tiny", str(tiny_encoder), lr=5e-3, micro_batch=8, epochs=4)


def test_grades_by_hand():
    found = grade(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    assert found.accuracy == 0.75
    assert found.confusion == {"a": {"a": 1, "b": 1}, "b": {"a": 0, "b": 2}}
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_a_fine_tuned_student_learns_and_repeats(spec):
    first = train_student(rows(16), rows(4), spec, 2, seed=1)
    again = train_student(rows(16), rows(4), spec, 2, seed=1)
    assert first.runs == again.runs and [run["seed"] for run in first.runs] == [1, 2]
    assert first.mean > 0.9 and first.std is not None and (first.n_train, first.n_test) == (32, 8)
    assert [len(run["epochs"]) for run in first.runs] == [4, 4]
    assert train_student(rows(16), rows(4), spec, 1, curve=False).runs[0]["epochs"] == []


def test_a_student_has_no_dropout_and_its_labels(spec, tmp_path):
    fitted = fit(*zip(*[(r.text, r.label) for r in rows(8)], strict=True), spec, seed=0)
    assert fitted.model.config.hidden_dropout_prob == 0
    probs = fitted.probs([row.text for row in rows(3)])
    assert probs.shape == (6, 2) and probs.sum(axis=1) == pytest.approx(1, abs=1e-5)
    fitted.save(tmp_path)
    from transformers import pipeline

    model = pipeline("text-classification", model=str(tmp_path))
    assert model("apple banana")[0]["label"] in ("a", "b")


@pytest.mark.parametrize("kind", ["distilbert", "deberta-v2"])
def test_the_papers_architectures_load_and_learn(kind, tmp_path):
    """Tiny checkpoints of DistilBERT and DeBERTa; the recipes' dropouts are all off."""
    import torch
    from tenpapers.models.loading import resolve_name
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(resolve_name("minilm"))
    sizes = {
        "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2},
        "deberta-v2": {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
        },
    }[kind]
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    spec = StudentSpec(kind, str(tmp_path), lr=5e-3, micro_batch=8, accumulation=2, epochs=6)
    found = train_student(rows(16), rows(4), spec, 1)
    assert found.mean > 0.8
    fitted = fit(["x", "y"], ["a", "b"], student_spec(f"hf:{tmp_path}", epochs=1), seed=0)
    assert all(one.p == 0 for one in fitted.model.modules() if isinstance(one, torch.nn.Dropout))


def test_a_probe_on_minilm():
    found = train_student(rows(8), rows(4), student_spec("probe"), 3)
    assert found.mean == 1 and found.std == 0
    with pytest.raises(UserError, match="no epochs"):
        fit(["x", "y"], ["a", "b"], student_spec("probe"), seed=0, on_epoch=lambda *_: None)


def test_what_students_need():
    with pytest.raises(UserError, match="at least 2 labels"):
        fit(["x"], ["a"], student_spec("probe"), seed=0)
    with pytest.raises(UserError, match="no row of label b"):
        train_student(rows(4, labels="a"), rows(4), student_spec("probe"))
    with pytest.raises(UserError, match="student bart: unknown"):
        student_spec("bart")
    with pytest.raises(UserError, match="cannot be loaded"):
        fit(["x", "y"], ["a", "b"], student_spec("distilbert"), seed=0)


def test_recipes_of_the_paper():
    large = STUDENTS["deberta-v3-large"]
    assert (large.lr, large.micro_batch * large.accumulation, large.epochs) == (2e-5, 32, 6)
    assert all(one.micro_batch * one.accumulation == 32 for one in STUDENTS.values())
    assert student_spec("hf:/x", lr=1.0) == StudentSpec("hf:/x", "/x", lr=1.0)
    batches = {(one.lr, one.accumulation) for one in grid(large)}
    assert batches == {(lr, n) for lr in (2e-5, 5e-5, 1e-4) for n in (2, 8, 32)}
    assert {one.micro_batch for one in grid(STUDENTS["minilm"])} == {8, 32, 128}


def test_the_search_keeps_the_best_on_validation(spec, monkeypatch):
    import synthesizrr.students.train as students

    tried = [StudentSpec("slow", spec.model, lr=1e-9, epochs=1), spec]
    monkeypatch.setattr(students, "grid", lambda _: tried)
    best, table = searched(rows(16), spec, None, seed=0)
    assert best == spec and [row["lr"] for row in table] == [1e-9, 5e-3]
    assert table[1]["accuracy"] > table[0]["accuracy"]


def test_held_out_rows_are_a_share_of_every_label():
    fitting, held = held_out(rows(10), 0.2, 0)
    assert [row.label for row in held].count("a") == [row.label for row in held].count("b") == 2
    assert len(fitting) == 16 and not {r.text for r in held} & {r.text for r in fitting}


def test_label_preservation_by_an_oracle():
    oracle = fit_oracle(rows(10), student_spec("probe"))
    good, bad = rows(4), [row.model_copy(update={"label": "a"}) for row in rows(4)]
    assert label_preservation(good, oracle)["accuracy"] == 1
    assert label_preservation(bad, oracle)["accuracy"] == 0.5
    with pytest.raises(UserError, match="does not know label c"):
        label_preservation([TextRow(text="x", label="c")], oracle)


def test_cartography_finds_the_rows_with_wrong_labels(spec):
    good = rows(16, Synthetic)
    wrong = [Synthetic(id=f"w{i}", text=f"{WORDS['b']} {i}", label="a") for i in range(3)]
    found = filter_rows(
        [*good, *wrong], spec, [Filter("confidence", top=0.83)], epochs=4, progress=None
    )
    table = {row.id: row for row in found.table}
    assert all(len(row.probs) == 4 for row in found.table)
    assert max(table[row.id].confidence for row in wrong) < np.mean(
        [table[row.id].confidence for row in good]
    )
    assert not {row.id for row in wrong} & {row.id for row in found.rows}
    assert {row.id for row in found.rows} == {row.id for row in found.table if row.kept}
    with pytest.raises(UserError, match="--read title: unknown"):
        filter_rows(good, spec, read="title")


def test_the_student_of_the_map_may_read_the_documents(spec):
    swapped = [
        Synthetic(id=row.id, text="same", label=row.label, context=row.text)
        for row in rows(16, Synthetic)
    ]
    by_text = filter_rows(swapped, spec, epochs=8, progress=None)
    by_context = filter_rows(swapped, spec, epochs=8, read="context", progress=None)
    confidence = [np.mean([row.confidence for row in one.table]) for one in (by_text, by_context)]
    assert confidence[0] == pytest.approx(0.5, abs=0.1) and confidence[1] > 0.7


def test_filters_of_the_command_line():
    assert parse_filter("confidence:top=0.83") == Filter("confidence", top=0.83)
    assert parse_filter("variability:0.1..", "overall") == Filter(
        "variability", low=0.1, scope="overall"
    )
    assert parse_filter("correctness:bottom=0.5").bottom == 0.5
    for wrong in ("confidence", "confidence:best=1", "confidence:top=x", "confidence:a..b"):
        with pytest.raises(UserError, match="not a filter"):
            parse_filter(wrong)


def test_the_final_sample_has_the_gold_mix():
    made = rows(10, Synthetic)
    final = final_sample(made, {"a": 0.25, "b": 0.75}, 8)
    assert [row.label for row in final].count("a") == 2 and len(final) == 8
