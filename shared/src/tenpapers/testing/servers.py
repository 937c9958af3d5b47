"""Servers on loopback: one that answers as a test says, and vLLM with the embedded model."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ..models.embedded import embedded_path


@contextmanager
def chat_server(answer: Callable[[str], str | None]) -> Iterator[str]:
    """Serve an OpenAI-compatible address on loopback; gives the address.

    Parameters
    ----------
    answer : from the prompt, or the last message, to the text; None is refused with status 400.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = answer(
                asked["messages"][-1]["content"] if "messages" in asked else asked["prompt"]
            )
            choice = {"index": 0, "finish_reason": "stop", "text": text}
            choice["message"] = {"role": "assistant", "content": text}
            told: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0}
            told |= {"model": asked["model"], "choices": [choice]}
            body = json.dumps(told if text is not None else {"error": {"message": "no"}}).encode()
            self.send_response(400 if text is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def vllm_server(*, max_model_len: int = 2048) -> Iterator[int]:
    """Let vLLM serve the embedded model, as `smollm2`, on loopback; gives the port.

    It takes a minute or two until it answers, in float32 on the CPU.
    """
    port = free_port()
    words = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1"]
    words += ["--port", str(port), "--model", str(embedded_path("smollm2"))]
    words += ["--served-model-name", "smollm2", "--enforce-eager", "--dtype", "float32"]
    process = subprocess.Popen(
        [*words, "--max-model-len", str(max_model_len)],
        env=os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(process, port)
        yield port
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)


def _wait_for(process: "subprocess.Popen[bytes]", port: int, seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while True:
        assert process.poll() is None, "the server ended"
        if time.monotonic() > deadline:
            pytest.fail("the server does not answer")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(1)
