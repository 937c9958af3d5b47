"""Servers on loopback that answer as the servers of this world do."""

import base64
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import (
    Completion,
    CompletionCache,
    Request,
    Sampling,
    open_generator,
)
from tenpapers.generation.types import Message

from .loopback import TokenBucket, chat, echo, free_port, serving


def requests(count, **sampling):
    return [
        Request(
            id=str(i),
            messages=(Message(role="user", content=f"say {i}"),),
            sampling=Sampling(**sampling),
        )
        for i in range(count)
    ]


def ask(address, count=1, patience=20, cache=False, **sampling):
    with open_generator(f"openai:m@{address}", cache=cache, patience=patience) as generator:
        return generator.generate(requests(count, **sampling))


def one(answer, status=200, **sampling):
    """The completion of one request to a server that always answers this."""
    with serving(lambda body, handler: (status, answer)) as (address, _):
        (completion,) = ask(address, patience=0.5, **sampling)
    return completion


def refused(answer, status, headers=None):
    """The one line that a run against a server ends with, and how often it was asked."""
    with (
        serving(lambda body, handler: (status, answer, headers or {})) as (address, asked),
        pytest.raises(UserError) as told,
    ):
        ask(address, patience=0.5)
    return str(told.value), len(asked)


def answered(text, reason="stop", **fields):
    counts = {"n_prompt_tokens": 3, "n_output_tokens": 5}
    return Completion(id="0", text=text, finish_reason=reason, **(counts | fields))


@pytest.mark.parametrize(
    ("answer", "completion"),
    [
        (chat("A"), answered("A")),
        (chat("A", "model_length"), answered("A", "length")),
        (chat("A", "SAFETY"), answered("A", "filtered")),
        (chat("A", "abort"), answered("", "error", error="abort")),
        (chat(None, "tool_calls"), answered("", "error", error="tool_calls")),
        (chat(None, refusal="I cannot"), answered("I cannot", "refused")),
        (chat("B", reasoning_content="a"), answered("B", reasoning="a")),
        (chat("B", reasoning="a"), answered("B", reasoning="a")),
        (chat(None, "length", reasoning_content="a"), answered("", "length", reasoning="a")),
        (chat("<think>a</think>\n\nB"), answered("B", reasoning="a")),
        (
            chat(
                [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "a"}]},
                    {"type": "text", "text": "B"},
                    {"type": "text", "text": "C"},
                ]
            ),
            answered("BC", reasoning="a"),
        ),
        (chat("a\ud800b"), answered("a\ufffdb")),
    ],
)
def test_an_answer_is_read_as_servers_write_it(answer, completion):
    assert one(answer) == completion


@pytest.mark.parametrize(
    ("status", "answer", "reason", "error"),
    [
        (200, {"error": {"message": "too long", "code": 400}}, "error", "HTTP 400: too long"),
        (200, {"choices": []}, "error", 'not an answer: {"choices": []}'),
        (400, {"error": {"message": "too long"}}, "error", "HTTP 400: too long"),
        (422, {"detail": "seed"}, "error", "HTTP 422: {'detail': 'seed'}"),
        (
            400,
            {"error": {"message": "held back", "code": "content_filter"}},
            "filtered",
            "HTTP 400: held back",
        ),
        (
            403,
            {"error": {"message": "flagged"}},
            "filtered",
            "HTTP 403: flagged",
        ),
    ],
)
def test_a_bad_or_filtered_request_fails_alone_with_the_servers_words(
    status, answer, reason, error
):
    completion = one(answer, status)
    assert (completion.text, completion.finish_reason, completion.error) == ("", reason, error)


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (401, {"error": {"message": "no such key"}}, "HTTP 401: no such key; check OPENAI_API_KEY"),
        (
            403,
            b"<html><style>p {}</style><h1>Access denied</h1><p>Firewall 7</p></html>",
            "HTTP 403: Access denied Firewall 7",
        ),
        (404, {"error": {"message": "no model m"}}, "HTTP 404: no model m; check the name"),
        (
            429,
            {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}},
            "HTTP 429: You exceeded your quota",
        ),
        (200, b"<html>Please log in</html>", "not an answer: Please log in"),
    ],
)
def test_what_no_request_can_mend_stops_the_run_with_the_servers_words(status, answer, told):
    line, asked = refused(answer, status)
    assert told in line and asked == 1


def test_a_dead_server_and_an_address_without_a_scheme_are_one_line_at_once(monkeypatch):
    began = time.monotonic()
    with pytest.raises(UserError, match="ConnectError.*is a server running there"):
        ask(f"http://127.0.0.1:{free_port()}/v1", count=40)
    monkeypatch.setenv("OPENAI_BASE_URL", "127.0.0.1:8000/v1")
    with pytest.raises(
        UserError, match=r"127\.0\.0\.1:8000/v1: not an address; it begins with http"
    ):
        open_generator("openai:m")
    assert time.monotonic() - began < 2


def test_a_missing_key_is_told(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        open_generator("openai:gpt-4o")


@pytest.mark.parametrize("status", [500, 503, 520, 529])
def test_other_failures_are_retried(status):
    seen = set()

    def reply(body, handler):
        said = body["messages"][-1]["content"]
        if said in seen:
            return echo(body, handler)
        seen.add(said)
        return status, {}

    with serving(reply) as (address, asked):
        assert [c.text for c in ask(address, 3)] == ["say 0", "say 1", "say 2"]
    assert len(asked) == 6


def test_cut_and_broken_answers_are_retried():
    seen = []

    def reply(body, handler):
        seen.append(body)
        if len(seen) == 1:  # the connection breaks in the middle of the answer
            handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"choices": [')
            handler.connection.shutdown(socket.SHUT_RDWR)
        if len(seen) == 2:
            return 200, b'{"choices": [', {"content-type": "application/json"}
        return echo(body, handler)

    with serving(reply) as (address, _):
        assert ask(address)[0].text == "say 0"
    assert len(seen) == 3


def test_a_request_that_alone_keeps_failing_is_a_failed_completion():
    def reply(body, handler):
        return (
            (500, {"error": {"message": "boom"}})
            if body["messages"][-1]["content"] == "say 1"
            else echo(body, handler)
        )

    with serving(reply) as (address, _):
        done = ask(address, 40, patience=1)
    assert [c.id for c in done if c.failed] == ["1"]  # and not "say 10" to "say 19"
    assert done[1].error == "HTTP 500: boom"


def test_a_server_that_answers_nobody_is_asked_again_for_as_long_as_patience_says():
    """Once, and not anew for each of the requests that come after."""
    began = time.monotonic()
    with serving(lambda body, handler: (529, {"error": {"message": "busy"}})) as (address, asked):
        done = ask(address, 200, patience=1)
    assert {c.error for c in done} == {"HTTP 529: busy"} and len(done) == 200
    assert len(asked) > 200 and time.monotonic() - began < 5


@pytest.mark.parametrize("header", [{"retry-after": "0"}, {"retry-after-ms": "60"}, {}])
def test_rate_limits_slow_the_whole_run_and_fail_no_request(header):
    """Twenty requests to a server that takes ten a second, one at a time."""
    bucket = TokenBucket(10)

    def reply(body, handler):
        if bucket.take():
            return echo(body, handler)
        return 429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, header

    with serving(reply) as (address, asked):
        done = ask(address, 20, patience=5)
    assert [c.text for c in done] == [f"say {i}" for i in range(20)]
    assert len(asked) < 80


def test_a_wait_beyond_the_patience_is_told_at_once():
    line, asked = refused({"error": {"message": "tomorrow"}}, 429, {"retry-after": "3600"})
    assert "HTTP 429: tomorrow; it asks to wait 3600 s; --patience allows less" in line
    assert asked == 1


@pytest.mark.parametrize(
    ("whole", "reasoning"), [("<think>a\nb</think>\n\nC\nD", "a\nb"), ("\n\nC\nD", "")]
)
def test_stops_of_a_thought_or_of_blanks_at_the_head_are_none(whole, reasoning):
    """A server cuts at the stop strings it is sent, wherever they stand."""

    def reply(body, handler):
        text = whole
        for stop in body.get("stop", ()):
            text = text.split(stop)[0]
        return 200, chat(text)

    with serving(reply) as (address, asked):
        (completion,) = ask(address, stop=("\n",))
    assert (completion.text.strip(), completion.reasoning) == ("C", reasoning)
    assert [body.get("stop") for body in asked] == [["\n"], None]


def test_options_of_the_chat_template_reach_the_server():
    with serving(echo) as (address, asked):
        spec = f"openai:m@{address}?chat_template_kwargs=%7B%22enable_thinking%22%3A%20false%7D"
        with open_generator(spec, cache=False) as generator:
            generator.generate(requests(1))
    assert asked[0]["chat_template_kwargs"] == {"enable_thinking": False}


def test_keys_and_passwords_reach_no_message_file_or_cache(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    basic = base64.b64encode(b"ada:hunter22").decode()

    def reply(body, handler):
        header = handler.headers["authorization"]
        if "key" in body["messages"][-1]["content"]:
            return 400, {"error": {"message": f"bad header {header}"}}
        return 200, chat(f"you sent {header}", reasoning_content=header)

    with serving(reply) as (address, _):
        private = address.replace("//", "//ada:hunter22@")
        for where, secret in ((address, "sk-0123456789"), (private, basic)):
            cache = CompletionCache(tmp_path / f"{len(where)}.sqlite")
            with open_generator(f"openai:m@{where}", cache=cache) as generator:
                (told,) = generator.generate(requests(1))
                bad = Request(id="b", messages=(Message(role="user", content="key"),))
                (failed,) = generator.generate([bad])
                shown = f"{told} {failed} {generator.backend.identity} {generator.backend.base_url}"
            assert told.text.endswith("[redacted]") and "[redacted]" in failed.error
            for word in (secret, "hunter22"):
                assert word not in shown + caplog.text
                assert word.encode() not in cache.path.read_bytes()
    with pytest.raises(UserError) as dead:
        ask(f"http://ada:hunter22@127.0.0.1:{free_port()}")
    assert "hunter22" not in str(dead.value)


INTERRUPTED = """
import sys
from pathlib import Path
from tenpapers.generation import CompletionCache, Request, open_generator
from tenpapers.generation.types import Message

cache = CompletionCache(Path(sys.argv[2]))
with open_generator("openai:m@" + sys.argv[1], cache=cache) as generator:
    asked = [Request(id=str(i), messages=(Message(role="user", content=f"say {i}"),))
             for i in range(12)]
    for completion in generator.stream(asked):
        print(completion.text, flush=True)
"""


def test_an_interrupted_run_waits_for_no_answer_and_keeps_what_came_back(tmp_path):
    def reply(body, handler):
        if int(body["messages"][-1]["content"].split()[1]) >= 3:
            time.sleep(25)
        return echo(body, handler)

    with serving(reply) as (address, asked):
        command = [sys.executable, "-c", INTERRUPTED, address, str(tmp_path / "c.sqlite")]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = sorted(run.stdout.readline().strip() for _ in range(3))
        while len(asked) < 12:
            time.sleep(0.02)
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
        assert time.monotonic() - began < 5  # about one on an idle machine
    assert said == ["say 0", "say 1", "say 2"]
    with sqlite3.connect(tmp_path / "c.sqlite") as kept:
        bodies = [json.loads(body) for (body,) in kept.execute("select body from completion")]
    assert sorted(body["text"] for body in bodies) == said
