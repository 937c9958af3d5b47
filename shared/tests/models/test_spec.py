import pytest
from tenpapers.errors import UserError
from tenpapers.models import ModelSpec, parse_spec

GRAMMAR = [
    ("hf:smollm2", ModelSpec("hf", "smollm2")),
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
]


@pytest.mark.parametrize(("text", "spec"), [("smollm2", ModelSpec("hf", "smollm2")), *GRAMMAR])
def test_the_grammar(text, spec):
    assert parse_spec(text) == spec


@pytest.mark.parametrize(("text", "spec"), GRAMMAR)
def test_a_spec_is_shown_as_it_is_written(text, spec):
    assert str(spec) == text


@pytest.mark.parametrize("text", ["gpt-4", "tgi:x", "hf:", "vllm:", ""])
def test_what_is_no_spec_is_told(text):
    with pytest.raises(UserError):
        parse_spec(text)
