import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.types import Message, by_adapter, content_key
from tenpapers.models.identity import adapter_identity


class Named:
    """What a content key asks of a backend."""

    def __init__(self, family="hf", model="m", identity="1"):
        self.family, self.model, self.identity = family, model, identity


def adapter(folder, weights, alpha):
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(weights)
    (folder / "adapter_config.json").write_text(f'{{"lora_alpha": {alpha}}}')
    return str(folder)


FIRST = Request(id="a", prompt="x")


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "other"},
        {"sampling": Sampling(seed=1)},
        {"sampling": Sampling(temperature=0.5)},
        {"sampling": Sampling(stop_pattern="x")},
        {"prompt": None, "messages": (Message(role="user", content="x"),)},
    ],
)
def test_whatever_changes_the_answer_changes_the_key(change):
    assert content_key(Named(), FIRST) != content_key(Named(), FIRST.model_copy(update=change))


@pytest.mark.parametrize("change", [{"family": "vllm"}, {"identity": "2"}])
def test_another_model_has_another_key(change):
    assert content_key(Named(), FIRST) != content_key(Named(**change), FIRST)


def test_a_model_is_what_it_contains_not_what_it_is_called():
    assert content_key(Named(model="elsewhere"), FIRST) == content_key(Named(), FIRST)


def test_the_id_alone_changes_nothing_except_for_recordings():
    other = FIRST.model_copy(update={"id": "b"})
    assert content_key(Named(), FIRST) == content_key(Named(), other)
    assert content_key(Named("replay"), other) == "b"


def test_an_adapter_counts_by_weights_and_settings(tmp_path):
    """Two folders with the same files are one adapter; other weights or settings are another."""
    names = {
        name: adapter_identity(adapter(tmp_path / name, weights, alpha))
        for name, weights, alpha in (
            ("a", b"1", 4),
            ("b", b"1", 4),
            ("c", b"2", 4),
            ("d", b"1", 400),
        )
    }
    assert names["a"] == names["b"] and len(set(names.values())) == 3
    keys = {content_key(Named(), FIRST, name) for name in ("", *names.values())}
    assert len(keys) == 4
    assert adapter_identity("") == ""
    with pytest.raises(UserError, match=r"nothing: no adapter in it; adapter_model\.safetensors"):
        adapter_identity(str(tmp_path / "nothing"))


def test_requests_are_grouped_by_adapter_in_the_order_of_appearance():
    requests = [Request(id=str(i), adapter=name) for i, name in enumerate(["b", "", "b", "a"])]
    groups = {name: [r.id for r in group] for name, group in by_adapter(requests).items()}
    assert groups == {"b": ["0", "2"], "": ["1"], "a": ["3"]}
    assert list(groups) == ["b", "", "a"]


def test_only_an_error_is_a_failure():
    reasons = ["stop", "length", "refused", "error: no answer"]
    completions = [Completion(id="a", text="", finish_reason=reason) for reason in reasons]
    assert [completion.failed for completion in completions] == [False, False, False, True]
