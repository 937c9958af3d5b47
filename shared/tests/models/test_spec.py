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
        "openai:llama3:8b@https://h/v1?chat_template_kwargs=%7B%22enable_thinking%22%3A%20false%7D",
        ModelSpec(
            "openai",
            "llama3:8b",
            {"chat_template_kwargs": '{"enable_thinking": false}'},
            "https://h/v1",
        ),
    ),
    ("openai:claude-3-5-sonnet@20240620", ModelSpec("openai", "claude-3-5-sonnet@20240620")),
    (
        "openai:m@20240620@http://me:secret@h/v1",
        ModelSpec("openai", "m@20240620", {}, "http://me:secret@h/v1"),
    ),
    (
        "ray:vllm:org/m?tensor_parallel_size=2&workers=4",
        ModelSpec("ray", "vllm:org/m?tensor_parallel_size=2", {"workers": "4"}),
    ),
    ("ray:hf:org/m?workers=4", ModelSpec("ray", "hf:org/m", {"workers": "4"})),
    ("ray:hf:org/m?dtype=float32", ModelSpec("ray", "hf:org/m?dtype=float32")),
    ("replay:a/b.jsonl", ModelSpec("replay", "a/b.jsonl")),
]


@pytest.mark.parametrize(("text", "spec"), [("smollm2", ModelSpec("hf", "smollm2")), *GRAMMAR])
def test_the_grammar(text, spec):
    assert parse_spec(text) == spec


@pytest.mark.parametrize(("text", "spec"), GRAMMAR)
def test_a_spec_is_shown_as_it_is_written(text, spec):
    assert str(spec) == text


def test_a_folder_is_a_model_by_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "model").mkdir(parents=True)
    spec = ModelSpec("hf", "runs/model", {"dtype": "bfloat16"})
    assert parse_spec("runs/model?dtype=bfloat16") == spec
    assert parse_spec(str(tmp_path)) == ModelSpec("hf", str(tmp_path))
    assert parse_spec("ray:runs/model?workers=2").name == "hf:runs/model"


def test_the_options_of_ray_stand_anywhere_among_those_of_its_inner_spec():
    spec = parse_spec("ray:smollm2?workers=4&dtype=float32&per_worker=8")
    assert spec == ModelSpec("ray", "hf:smollm2?dtype=float32", {"workers": "4", "per_worker": "8"})


def test_chat_template_kwargs_is_json_for_the_template():
    spec = parse_spec("hf:m?chat_template_kwargs=%7B%22enable_thinking%22%3A%20true%7D")
    assert spec.template_options == {"enable_thinking": True}
    assert parse_spec("hf:m").template_options == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gpt-4", "unknown model 'gpt-4'; write one of smollm2"),
        ("tgi:x", "unknown model 'tgi:x'"),
        ("hf:", "names no model"),
        ("vllm:?dtype=x", "names no model"),
        ("", "unknown model ''"),
        ("?dtype=x", "unknown model"),
        ("hf:m?dtyp=bfloat16", "unknown option dtyp; hf: knows dtype, device, revision, chat_temp"),
        ("ray:vllm:m?worker=2", "unknown option worker; vllm: knows tensor_parallel_size"),
        ("ray:vllm:m?max_model_len=8?workers=2", "options are written"),
        ("hf:m?dtype", "options are written"),
        ("hf:m?", "options are written"),
        ("hf:m?dtype=float32&dtype=bfloat16", "an option is given twice"),
        ("hf:m?chat_template_kwargs=yes", "no JSON object; URL-encoded, such as"),
        ("openai:m@localhost:8000/v1", "no scheme; it begins with http://"),
        ("openai:m@node7:8000", "no scheme"),
        ("openai:m@http://me:secret@h?key=k", "openai:m@http://h.key=k: unknown option key"),
    ],
)
def test_what_is_no_spec_is_told(text, told):
    with pytest.raises(UserError, match=told):
        parse_spec(text)
