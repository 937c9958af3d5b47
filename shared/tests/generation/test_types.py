import math

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.types import Message, by_adapter, content_key, noise_seed
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
        {"sampling": Sampling(repetition_penalty=1.1)},
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
    reasons = ["stop", "length", "refused", "error"]
    completions = [Completion(id="a", text="", finish_reason=reason) for reason in reasons]
    assert [completion.failed for completion in completions] == [False, False, False, True]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"top_p": 0}, "top_p 0.0: over 0, at most 1"),
        ({"top_p": 1.2}, "top_p 1.2"),
        ({"top_p": math.nan}, "top_p nan"),
        ({"temperature": 1e-40}, r"temperature 1e-40: 0 \(greedy\), or a number from 0.001"),
        ({"temperature": math.nan}, "temperature nan"),
        ({"temperature": math.inf}, "temperature inf"),
        ({"temperature": -1}, "temperature -1.0"),
        ({"top_k": -1}, "top_k -1: 0"),
        ({"repetition_penalty": 0}, "repetition_penalty 0.0: a number over 0"),
        ({"seed": 1 << 64}, "seed 18446744073709551616: from 0"),
        ({"seed": -1}, "seed -1"),
        ({"sample": -1}, "sample -1"),
        ({"max_tokens": 0}, "max_tokens 0: 1 or more"),
        ({"max_tokens": -3}, "max_tokens -3"),
        ({"stop": ("a", "")}, "stop .'a', ''.: strings of at least one character"),
        ({"stop_pattern": "(six"}, r"stop_pattern '\(six': a regular expression"),
        ({"stop_pattern": "x*"}, "never matches an empty text"),
    ],
)
def test_a_sampling_that_no_backend_can_follow_is_told_in_one_line(setting, told):
    with pytest.raises(UserError, match=told):
        Sampling(**setting)


def test_the_ends_of_every_range_are_samplings():
    Sampling(temperature=0.001, top_p=1e-9, top_k=0, max_tokens=1, seed=2**63 - 1, stop=("\n",))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("\n\nParis\nLondon", "\n\nParis"),
        ("Paris\n\nLondon", "Paris"),
        ("\n \n", None),
        ("\nParis", None),
        ("\nQuestion: next", ""),  # a stop with something to see in it counts where it stands
        ("Q", None),
        ("\nsix END seven", "\nsix END"),
        ("END\nmore", "END"),
    ],
)
def test_stops_act_from_the_first_visible_character_on(text, cut):
    sampling = Sampling(stop=("\n", "\nQuestion:"), stop_pattern=r"\bEND\b")
    assert sampling.cut(text) == cut


def test_noise_comes_from_seed_content_and_sample_alone():
    """Seeds of 120 prompts differ; an adapter, an id or a longer answer changes no noise."""
    asked = [Request(id=str(i), prompt=f"prompt {i}") for i in range(120)]
    assert len({noise_seed(request) for request in asked}) == 120
    first = asked[0]
    for change in ({"id": "b"}, {"adapter": "a"}, {"sampling": Sampling(max_tokens=9)}):
        assert noise_seed(first.model_copy(update=change)) == noise_seed(first)
    chat = {"prompt": None, "messages": (Message(role="user", content="prompt 0"),)}
    for change in ({"sampling": Sampling(seed=1)}, {"sampling": Sampling(sample=1)}, chat):
        assert noise_seed(first.model_copy(update=change)) != noise_seed(first)


def test_half_a_surrogate_pair_in_a_prompt_or_a_message_is_replaced():
    """Model-written text has it; no tokenizer and no server takes it."""
    assert Request(id="1", prompt="a\ud800b").prompt == "a\ufffdb"
    assert Request(id="1", prompt="\ud83d\ude00").prompt == "\U0001f600"
    assert Message(role="user", content="\udc00").content == "\ufffd"
