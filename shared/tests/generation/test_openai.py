"""A real OpenAI-compatible server, alone and behind a proxy that misbehaves."""

import http.client
import http.server
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator
from tenpapers.models import embedded_path

from .conftest import greedy_requests, needs_vllm


class Faulty(http.server.BaseHTTPRequestHandler):
    """Fails the first request of each prompt in one of four ways, then passes everything on."""

    target = ("127.0.0.1", 0)
    faults = ("429", "500", "cut", "slow")
    seen: Counter = Counter()
    lock = threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.lock:
            self.seen[body] += 1
            fault = self.faults[len(self.seen) % 4] if self.seen[body] == 1 else ""
        if fault in ("429", "500"):
            self.send_response(int(fault))
            self.send_header("retry-after", "0.1")
            self.end_headers()
        elif fault == "cut":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            if fault == "slow":
                time.sleep(3)
            connection = http.client.HTTPConnection(*self.target, timeout=120)
            connection.request("POST", self.path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    """`vllm` serving the embedded model on loopback."""
    port = free_port()
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1"}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--model",
            str(embedded_path("smollm2")),
            "--served-model-name",
            "smollm2",
            "--enforce-eager",
            "--dtype",
            "float32",
            "--max-model-len",
            "2048",
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 400
    try:
        while True:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(1)
        yield port
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)


@pytest.mark.vllm
@needs_vllm
def test_a_server_that_fails_refuses_cuts_and_dawdles_loses_no_request(server, expected):
    Faulty.target = ("127.0.0.1", server)
    Faulty.seen.clear()
    with Proxy(("127.0.0.1", 0), Faulty) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.server_address[1]}/v1"
        with open_generator(f"openai:smollm2@{address}", cache=False) as generator:
            done = {c.id: c for c in generator.generate(greedy_requests())}
        with open_generator(f"openai:other@{address}", cache=False) as generator:
            (unknown,) = generator.generate([Request(id="x", prompt="a")])
        proxy.shutdown()
    assert not any(completion.failed for completion in done.values())
    assert sum(done[name].text == expected[name] for name in expected) >= 7
    # 429, 500 and cut are asked again, once each; slow answers are waited for.
    ours = [count for body, count in Faulty.seen.items() if b"other" not in body]
    assert sorted(ours) == [1, 1, 2, 2, 2, 2, 2, 2]
    assert unknown.failed and "404" in unknown.error


def test_a_server_that_is_not_there_fails_every_request_and_raises_nothing(monkeypatch):
    monkeypatch.setattr("tenpapers.generation.openai.FIRST_WAIT", 0.01)
    with open_generator(f"openai:m@http://127.0.0.1:{free_port()}/v1", cache=False) as generator:
        done = generator.generate([Request(id=str(i), prompt="a") for i in range(3)])
    assert all(c.failed and c.error.startswith("ConnectError") for c in done)


def test_a_missing_key_is_told(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        open_generator("openai:gpt-4o")
