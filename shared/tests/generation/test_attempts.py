import pytest
from tenpapers.generation import (
    Attempt,
    Completion,
    Generator,
    Request,
    Sampling,
    ask_until_read,
)
from tenpapers.generation.types import forget


class Speaking:
    """A backend that says what is written for a prompt, one text a sample."""

    model, identity = "m", "1"

    def __init__(self, said, family="openai"):
        self.said, self.family, self.asked = said, family, []

    def stream(self, requests, keep=forget):
        for request in requests:
            self.asked.append(request.id)
            text = self.said[request.prompt][request.sampling.sample]
            reason = text if text in ("error", "refused", "length") else "stop"
            done = Completion(id=request.id, text=text, finish_reason=reason, error="busy")
            keep(done)
            yield done

    def close(self):
        pass


def attempts(said, tries=3, family="openai", temperature=0.0):
    backend = Speaking(said, family)
    sampling = Sampling(temperature=temperature)
    requests = [Request(id=name, prompt=name, sampling=sampling) for name in said]
    done = ask_until_read(Generator(backend), requests, lambda c: "ok" in c.text, tries=tries)
    return {one.completion.id: (one.completion.text, one.tries) for one in done}, backend.asked


def test_only_what_cannot_be_read_is_asked_again_as_the_next_sample():
    found, asked = attempts({"a": ["ok"], "b": ["?", "ok 2"], "c": ["?", "??", "???"]})
    assert found == {"a": ("ok", 1), "b": ("ok 2", 2), "c": ("???", 3)}
    assert asked == ["a", "b", "c", "b|try 2", "c|try 2", "c|try 3"]


def test_what_failed_or_was_refused_is_not_asked_again_here():
    found, asked = attempts({"a": ["error"], "b": ["refused"]})
    assert found == {"a": ("", 1), "b": ("refused", 1)} and asked == ["a", "b"]


def test_an_earlier_answer_stands_where_a_later_attempt_fails():
    found, _ = attempts({"a": ["?", "error"], "b": ["length", "refused"]})
    assert found == {"a": ("?", 2), "b": ("length", 2)}


@pytest.mark.parametrize(("temperature", "asked"), [(0.0, ["a"]), (0.7, ["a", "a|try 2"])])
def test_a_greedy_model_in_process_is_not_asked_for_the_same_words(temperature, asked):
    found = attempts({"a": ["?", "ok"]}, 2, "hf", temperature)
    assert found[1] == asked


def test_one_try_is_one_try():
    assert attempts({"a": ["?"]}, tries=1) == ({"a": ("?", 1)}, ["a"])
    assert Attempt(Completion(id="a", text="", finish_reason="stop"), 1).tries == 1
