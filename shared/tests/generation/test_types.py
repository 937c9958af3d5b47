import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.types import Message, adapter_digest, by_adapter, content_key


class Named:
    """What a content key asks of a backend."""

    def __init__(self, family="hf", model="m", revision="1"):
        self.family, self.model, self.revision = family, model, revision


def adapter(folder, weights):
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(weights)
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


@pytest.mark.parametrize("change", [{"family": "vllm"}, {"model": "n"}, {"revision": "2"}])
def test_another_model_has_another_key(change):
    assert content_key(Named(), FIRST) != content_key(Named(**change), FIRST)


def test_the_id_alone_changes_nothing_except_for_recordings():
    other = FIRST.model_copy(update={"id": "b"})
    assert content_key(Named(), FIRST) == content_key(Named(), other)
    assert content_key(Named("replay"), other) == "b"


def test_an_adapter_counts_by_its_weights(tmp_path):
    """Two folders with the same weights are one adapter; other weights are another."""
    same, copied, other = (
        FIRST.model_copy(update={"adapter": adapter(tmp_path / name, weights)})
        for name, weights in (("a", b"1"), ("b", b"1"), ("c", b"2"))
    )
    keys = [content_key(Named(), request) for request in (FIRST, same, copied, other)]
    assert keys[1] == keys[2] and len({keys[0], keys[1], keys[3]}) == 3
    assert adapter_digest("") == ""
    with pytest.raises(UserError, match=r"nothing: no adapter in it; adapter_model\.safetensors"):
        adapter_digest(str(tmp_path / "nothing"))


def test_requests_are_grouped_by_adapter_in_the_order_of_appearance():
    requests = [Request(id=str(i), adapter=name) for i, name in enumerate(["b", "", "b", "a"])]
    groups = {name: [r.id for r in group] for name, group in by_adapter(requests).items()}
    assert groups == {"b": ["0", "2"], "": ["1"], "a": ["3"]}
    assert list(groups) == ["b", "", "a"]


def test_only_an_error_is_a_failure():
    reasons = ["stop", "length", "refused", "error: no answer"]
    completions = [Completion(id="a", text="", finish_reason=reason) for reason in reasons]
    assert [completion.failed for completion in completions] == [False, False, False, True]
