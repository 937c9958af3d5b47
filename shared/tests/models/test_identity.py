import json

import pytest
from tenpapers.errors import UserError
from tenpapers.models.identity import (
    adapter_identity,
    file_identity,
    folder_identity,
    hub_commit,
    identity_as_loaded,
    model_identity,
    redacted,
    weights_identity,
)


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"hidden_size": 4}))
    (folder / "model.safetensors").write_bytes(b"\1" * (1 << 21))
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("name", "content", "counts"),
    [
        ("model.safetensors", b"\2" * (1 << 21), True),
        ("config.json", b'{"hidden_size": 5}', True),
        ("tokenizer.json", b'{"a": 1}', True),
        ("chat_template.jinja", b"{{ x }}", True),
        ("adapter_config.json", b'{"lora_alpha": 400}', True),
        ("README.md", b"notes", False),
        ("optimizer.pt", b"state", False),
        ("checkpoint-10/model.safetensors", b"earlier", False),
    ],
)
def test_what_changes_an_identity(checkpoint, name, content, counts):
    before = folder_identity(checkpoint)
    (checkpoint / name).parent.mkdir(exist_ok=True)
    (checkpoint / name).write_bytes(content)
    assert (folder_identity(checkpoint) != before) == counts


def test_a_copy_elsewhere_is_the_same_model_and_dtype_and_options_count(checkpoint, tmp_path):
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in checkpoint.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    plain = model_identity(f"hf:{checkpoint}")
    assert model_identity(f"hf:{copy}") == plain
    assert model_identity(f"hf:{checkpoint}?device=cuda") == plain
    assert model_identity(f"ray:hf:{checkpoint}?workers=2") == plain
    others = [
        model_identity(f"hf:{checkpoint}?dtype=bfloat16"),
        model_identity(f"hf:{checkpoint}", dtype="float32"),
        model_identity(f"vllm:{checkpoint}?max_model_len=128"),
    ]
    assert len({plain, *others}) == 4


def test_an_edit_that_keeps_size_and_time_is_seen(checkpoint):
    import os

    weights = checkpoint / "model.safetensors"
    before, state = file_identity(weights), weights.stat()
    weights.write_bytes(b"\3" * (1 << 21))
    os.utime(weights, ns=(state.st_atime_ns, state.st_mtime_ns))  # ctime cannot be set back
    assert file_identity(weights) != before


def test_a_hub_model_is_its_commit_and_a_server_its_name_without_credentials(tmp_path):
    commit = "0" * 39 + "a"
    assert hub_commit("someone/model", commit) == commit
    pinned = model_identity(f"hf:someone/model?revision={commit}")
    assert pinned != model_identity(f"hf:someone/model?revision={'0' * 40}")
    assert redacted("https://me:secret@host:8000/v1/?key=k") == "https://host:8000/v1"
    with_key, without = (
        model_identity(f"openai:m@http://{user}host/v1") for user in ("me:secret@", "")
    )
    assert with_key == without != model_identity("openai:m@http://other/v1")
    recording = tmp_path / "r.jsonl"
    recording.write_text("{}")
    before = model_identity(f"replay:{recording}")
    recording.write_text("{ }")
    assert model_identity(f"replay:{recording}") != before


def test_what_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no model in it"):
        folder_identity(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        file_identity(tmp_path / "none.jsonl")


def test_an_adapter_belongs_to_weights_in_any_dtype(checkpoint):
    mine = weights_identity(f"hf:{checkpoint}")
    assert weights_identity(f"vllm:{checkpoint}?dtype=bfloat16") == mine
    (checkpoint / "tokenizer.json").write_text('{"a": 1}')
    assert weights_identity(f"hf:{checkpoint}") != mine


def test_a_model_is_known_before_it_is_loaded(checkpoint):
    on_cpu = identity_as_loaded(f"hf:{checkpoint}", device="cpu")
    assert on_cpu == model_identity(f"hf:{checkpoint}", dtype="float32")
    assert on_cpu != identity_as_loaded(f"hf:{checkpoint}?dtype=bfloat16", device="cpu")


def test_an_adapter_is_its_weights_and_settings_not_what_was_put_beside_them(tmp_path):
    (tmp_path / "adapter_model.safetensors").write_bytes(b"w")
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 4}')
    before = adapter_identity(str(tmp_path))
    (tmp_path / "heads.json").write_text("{}")
    assert adapter_identity(str(tmp_path)) == before
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 400}')
    assert adapter_identity(str(tmp_path)) != before
