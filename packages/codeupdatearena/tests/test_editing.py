import pytest
import torch
from codeupdatearena import EditConfig, Editor, TrainingText
from codeupdatearena.editing.editor import (
    _pad,
    random_target,
    tokenise,
    training_examples,
    training_texts,
)
from codeupdatearena.inputs.arena import Arena
from tenpapers.errors import UserError
from tenpapers.models import load_causal_lm


@pytest.fixture(scope="module")
def editor():
    lm = load_causal_lm("smollm2")
    return Editor(lm.model, lm.tokenizer, EditConfig(learning_rate=1e-2))


@pytest.fixture(scope="module")
def four(mini):
    base = next(iter(mini.by_update().values()))
    fourth = base[0].model_copy(update={"prog_syn_id": base[0].prog_syn_id.replace("-0]", "-3]")})
    return [*base, fourth]


@pytest.mark.parametrize(("i", "expected"), [(0, [2, 3]), (1, [0, 3]), (2, [0, 1]), (3, [1, 2])])
def test_check_12_training_sets(four, i, expected):
    assert training_examples(four, i) == [four[j] for j in expected]


def test_two_examples_are_too_few(four):
    with pytest.raises(UserError, match="2 examples, an edit needs three"):
        training_examples(four[:2], 0)


def short(editor, arm, group, index):
    return training_texts(arm, group, index, demo=None, show_test=False)


def test_check_12_ft_u_takes_ten_steps_and_the_ps_arms_five(editor, four):
    handle = editor.edit(short(editor, "ft-u", four, 0))
    assert len(handle.losses) == 10 and handle.losses[-1] < handle.losses[0]
    texts = short(editor, "ft-ps", four, 0)
    assert len(texts) == 2
    assert len(editor.edit(texts).losses) == 5
    with pytest.raises(UserError, match="leave no epoch"):
        editor.edit([TrainingText("x")] * 11)


def test_check_12_the_loss_of_ps_arms_is_on_the_answer_alone(lm, four):
    text = training_texts("ft-ps", four, 0, demo=None)[0]
    ids, labels = tokenise(lm, text)
    marked = [token for token, label in zip(ids, labels, strict=True) if label != -100]
    assert lm.tokenizer.decode(marked) == text.text[text.start :]
    assert text.text[text.start :].startswith("[PYTHON]\ndef ")
    whole, all_labels = tokenise(lm, training_texts("ft-u", four, 0, demo=None)[0])
    assert whole == all_labels


def test_the_loss_is_that_of_transformers(lm, four):
    from codeupdatearena.editing.editor import _loss

    rows = [tokenise(lm, text) for text in training_texts("ft-ps", four, 0, demo=None)]
    batch = _pad(rows, lm.tokenizer.pad_token_id, lm.model.device)
    with torch.no_grad():
        assert _loss(lm.model, batch) == pytest.approx(float(lm.model(**batch).loss), abs=1e-4)


def test_check_13_parameters_reset_eval_mode_and_repeatability(editor, four, tmp_path):
    assert editor.trainable_parameters == 460_800
    ids = editor.tok("def add(a, b):", return_tensors="pt")["input_ids"]
    fresh = load_causal_lm("smollm2").model
    with torch.inference_mode():
        base = fresh(ids).logits
    made = []
    for name in ("a", "b"):
        editor.edit(short(editor, "ft-u", four, 0))
        assert not editor.model.training
        with torch.inference_mode():
            assert not torch.equal(editor.model(ids).logits, base)
        editor.save(tmp_path / name)
        made.append((tmp_path / name / "adapter_model.safetensors").read_bytes())
    assert made[0] == made[1]
    editor.reset()
    with torch.inference_mode():
        assert torch.equal(editor.model(ids).logits, base)


def test_check_14_an_untrained_adapter_answers_like_the_base_model(editor, tmp_path):
    from codeupdatearena.scoring.specificity import (
        HumanEvalTask,
        answer_all,
        run_answers,
        summarise_specificity,
        task_requests,
    )
    from tenpapers.generation import Sampling, open_generator
    from tenpapers.sandbox import SandboxPool

    editor.reset()
    editor.save(tmp_path / "untrained")
    task = HumanEvalTask(
        task_id="t",
        prompt="def one():\n    '''Return 1.'''\n",
        entry_point="one",
        test="def check(f):\n    assert f() == 1",
    )
    sampling = Sampling(temperature=0.8, top_p=0.7, max_tokens=24)
    adapters = {"": "", "edit": str(tmp_path / "untrained")}
    requests = task_requests([task], adapters, n=2, seed=1, sampling=sampling)
    with open_generator("smollm2", cache=False) as generator:
        answers = answer_all(requests, generator, tmp_path / "a.jsonl")
    assert [a.text for a in answers if a.edit] == [a.text for a in answers if not a.edit]
    with SandboxPool(workers=1) as pool:
        found = summarise_specificity(run_answers(answers, [task], pool), [1, 2])
    assert found["change"] == {"SPass@1": 0.0, "SPass@2": 0.0}


def test_a_model_without_the_target_modules_lists_what_it_has():
    from transformers import GPT2Config, GPT2LMHeadModel

    tiny = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=16, n_head=2, vocab_size=32))
    with pytest.raises(UserError, match="no q_proj, v_proj to adapt; choose among lm_head"):
        Editor(tiny, None)


@pytest.mark.parametrize("family", ["Llama", "Mistral", "Qwen2"])
def test_gpu_defaults_load_and_are_edited_as_tiny_checkpoints(family, lm, tmp_path, four):
    """The documented GPU models have these architectures; only the size differs here."""
    import transformers

    config = getattr(transformers, f"{family}Config")(
        vocab_size=len(lm.tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
    )
    getattr(transformers, f"{family}ForCausalLM")(config).save_pretrained(tmp_path / "tiny")
    lm.tokenizer.save_pretrained(tmp_path / "tiny")
    tiny = load_causal_lm(f"hf:{tmp_path}/tiny")
    editor = Editor(tiny.model, tiny.tokenizer, EditConfig(learning_rate=1e-2))
    handle = editor.edit(training_texts("ft-ps", four, 0, demo=None))
    assert handle.losses[-1] < handle.losses[0]


def test_full_fine_tuning_trains_every_weight_and_resets(lm, tmp_path, four):
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=len(lm.tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
    )
    model = transformers.LlamaForCausalLM(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    editor = Editor(model, lm.tokenizer, EditConfig(adapter="none"))
    editor.edit(training_texts("ft-u", four, 0, demo=None))
    assert not torch.equal(model.state_dict()["lm_head.weight"], before["lm_head.weight"])
    editor.reset()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_random_targets_come_from_the_map_or_are_drawn_from_other_functions(mini):
    import numpy as np

    groups = Arena(mini.examples).by_update()
    names = list(groups)
    assert random_target(names[0], groups, {names[0]: names[2]}, None) == (names[2], False)
    rng = np.random.default_rng(0)
    for _ in range(20):
        target, drawn = random_target(names[0], groups, {names[0]: "[absent]"}, rng)
        assert drawn and target != names[0]


def test_call_tokens_are_those_inside_calls_of_the_updated_function(mini):
    from codeupdatearena.scoring.reference_likelihood import call_spans, normalised

    example = normalised(mini.examples[0])
    code = example.ref_solution
    (span,) = call_spans(code, example)
    assert code[slice(*span)] == "math.hypot(a[0] - b[0], a[1] - b[1], scale=1000)"
    method = normalised(next(e for e in mini.examples if e.update.package == "pandas"))
    (span,) = call_spans(method.ref_solution, method)
    assert method.ref_solution[slice(*span)] == "pandas.DataFrame(orders).head()"
