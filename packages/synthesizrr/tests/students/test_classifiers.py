import pytest
from synthesizrr.students.classifiers import (
    STUDENTS,
    StudentSpec,
    fit,
    student_spec,
    training_arguments,
)
from synthesizrr.students.train import grid, train_student
from tenpapers.errors import UserError

from ..conftest import rows


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


def test_the_recipe_reaches_the_trainer(tmp_path):
    recipe = StudentSpec(
        "x",
        "x",
        lr=3e-4,
        micro_batch=7,
        accumulation=3,
        epochs=2,
        weight_decay=0.02,
        adam_epsilon=1e-5,
        warmup=0.25,
    )
    made = training_arguments(recipe, str(tmp_path), seed=9)
    assert (made.learning_rate, made.num_train_epochs, made.seed) == (3e-4, 2, 9)
    assert (made.per_device_train_batch_size, made.gradient_accumulation_steps) == (7, 3)
    assert (made.weight_decay, made.adam_epsilon) == (0.02, 1e-5)
    assert made.get_warmup_steps(40) == 10 and made.lr_scheduler_type == "linear"
    assert made.max_grad_norm == 0 and made.optim.startswith("adamw")
    paper = STUDENTS["minilm"]
    assert (paper.weight_decay, paper.adam_epsilon, paper.warmup) == (1e-4, 1e-6, 0.06)
