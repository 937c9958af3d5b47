from copy import deepcopy

import pytest
import torch
from codeupdatearena import EditConfig, Editor, TrainingText
from codeupdatearena.editing.editor import answer_loss, pad_right, tokenise
from codeupdatearena.editing.training_sets import training_texts
from tenpapers.errors import UserError
from tenpapers.models import load_causal_lm
from tenpapers.testing import tiny_checkpoint, tiny_model

from ..conftest import four_examples

SHORT = [TrainingText("def add(a, b):\n    return a + b")]


@pytest.fixture(scope="module")
def editor(lm):
    config = EditConfig(learning_rate=1e-2, epochs_times_texts=2)
    return Editor(deepcopy(lm.model), lm.tokenizer, config)


@pytest.fixture(scope="module")
def tiny_lm(tiny):
    return load_causal_lm(f"hf:{tiny}")


@pytest.fixture(scope="module")
def tiny_editor(tiny_lm):
    return Editor(deepcopy(tiny_lm.model), tiny_lm.tokenizer, EditConfig(learning_rate=1e-2))


@pytest.fixture(scope="module")
def four(mini):
    return four_examples(mini)


def short(arm, group, index):
    return training_texts(arm, group, index, demo=None, show_test=False)


def test_ft_u_takes_ten_steps_and_the_ps_arms_five(tiny_editor, four):
    handle = tiny_editor.edit(short("ft-u", four, 0))
    assert len(handle.losses) == 10 and handle.losses[-1] < handle.losses[0]
    texts = short("ft-ps", four, 0)
    assert len(texts) == 2
    assert len(tiny_editor.edit(texts).losses) == 5
    with pytest.raises(UserError, match="leave no epoch"):
        tiny_editor.edit([TrainingText("x")] * 11)


def test_the_loss_of_ps_arms_is_on_the_answer_alone(lm, four):
    text = training_texts("ft-ps", four, 0, demo=None)[0]
    ids, labels = tokenise(lm, text)
    marked = [token for token, label in zip(ids, labels, strict=True) if label != -100]
    assert lm.tokenizer.decode(marked) == text.text[text.start :]
    assert text.text[text.start :].startswith("[PYTHON]\ndef ")
    whole, all_labels = tokenise(lm, training_texts("ft-u", four, 0, demo=None)[0])
    assert whole == all_labels


def test_the_loss_is_that_of_transformers(tiny_lm, four):
    rows = [tokenise(tiny_lm, text) for text in training_texts("ft-ps", four, 0, demo=None)]
    batch = pad_right(rows, tiny_lm.tokenizer.pad_token_id, tiny_lm.model.device)
    with torch.no_grad():
        theirs = float(tiny_lm.model(**vars(batch)).loss)
        assert answer_loss(tiny_lm.model, batch) == pytest.approx(theirs, abs=1e-4)


def test_parameters_reset_eval_mode_and_repeatability(lm, editor, tmp_path):
    assert editor.trainable_parameters == 460_800
    ids = editor.tok("def add(a, b):", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        base = lm.model(ids).logits
    made = []
    for name in ("a", "b"):
        editor.edit(SHORT)
        assert not editor.model.training
        with torch.inference_mode():
            assert not torch.equal(editor.model(ids).logits, base)
        editor.save(tmp_path / name)
        made.append((tmp_path / name / "adapter_model.safetensors").read_bytes())
    assert made[0] == made[1]
    editor.reset()
    with torch.inference_mode():
        assert torch.equal(editor.model(ids).logits, base)


def test_an_untrained_adapter_answers_like_the_base_model(tiny, tiny_editor, tmp_path):
    from codeupdatearena.sampling.settings import SampleSettings
    from codeupdatearena.scoring.specificity import (
        HumanEvalTask,
        answer_all,
        open_answers,
        run_answers,
        summarise_specificity,
        task_requests,
    )
    from tenpapers.generation import open_generator
    from tenpapers.journal import Journal
    from tenpapers.sandbox import SandboxPool

    tiny_editor.reset()
    tiny_editor.save(tmp_path / "untrained")
    task = HumanEvalTask(
        task_id="t",
        prompt="def one():\n    '''Return 1.'''\n",
        entry_point="one",
        test="def check(f):\n    assert f() == 1",
    )
    adapters = {"": "", "edit": str(tmp_path / "untrained")}
    settings = SampleSettings(samples=2, max_tokens=24, seed=1)
    requests = task_requests([task], adapters, settings)
    with (
        open_generator(f"hf:{tiny}", cache=False) as generator,
        Journal(tmp_path / "run", key={}) as journal,
        open_answers(journal, "a.jsonl") as rows,
    ):
        answers = answer_all(requests, generator, rows)
    assert [a.text for a in answers if a.edit] == [a.text for a in answers if not a.edit]
    with SandboxPool(workers=1) as pool:
        found = summarise_specificity(run_answers(answers, [task], pool), [1, 2])
    assert found["change"] == {"SPass@1": 0.0, "SPass@2": 0.0}


def test_a_model_without_the_target_modules_lists_what_it_has():
    tiny = tiny_model("gpt2", n_head=4, n_embd=64, n_layer=1)
    with pytest.raises(UserError, match="no q_proj, v_proj to adapt; choose among lm_head"):
        Editor(tiny, None)


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2"])
def test_gpu_defaults_load_and_are_edited_as_tiny_checkpoints(kind, tmp_path, four):
    """The documented GPU models have these architectures; only the size differs here."""
    tiny = load_causal_lm(f"hf:{tiny_checkpoint(tmp_path, kind, num_hidden_layers=2)}")
    editor = Editor(tiny.model, tiny.tokenizer, EditConfig(learning_rate=1e-2))
    handle = editor.edit(training_texts("ft-ps", four, 0, demo=None))
    assert handle.losses[-1] < handle.losses[0]


def test_full_fine_tuning_trains_every_weight_and_resets(tiny_lm, four):
    model = tiny_model("llama", num_hidden_layers=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    editor = Editor(model, tiny_lm.tokenizer, EditConfig(adapter="none"))
    editor.edit(training_texts("ft-u", four, 0, demo=None))
    assert not torch.equal(model.state_dict()["lm_head.weight"], before["lm_head.weight"])
    editor.reset()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
