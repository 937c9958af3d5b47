"""A small HTTP server on loopback that answers as a test says."""

import http.server
import json
import socket
import socketserver
import threading
import time
from contextlib import contextmanager


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def free_port():
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(reply):
    """Serve `reply(body, handler)`, which gives `(status, JSON or bytes[, headers])`.

    Yields the address, and the list of the bodies that were asked, in order.
    """
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(body)
            status, answer, *headers = reply(body, self)
            raw = isinstance(answer, bytes)
            content = answer if raw else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "text/html" if raw else "application/json")
            self.send_header("content-length", str(len(content)))
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
        finally:
            server.shutdown()


def chat(content, reason="stop", **message):
    """The JSON of a chat completion."""
    return {
        "choices": [
            {
                "message": {"role": "assistant", "content": content} | message,
                "finish_reason": reason,
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }


def echo(body, handler):
    """Answer with the last message."""
    return 200, chat(body["messages"][-1]["content"])


class TokenBucket:
    """Allows so many requests a second, as the rate limits of real servers do."""

    def __init__(self, per_second):
        self.per_second = per_second
        self.lock = threading.Lock()
        self.tokens, self.at = 1.0, time.monotonic()

    def take(self):
        with self.lock:
            now = time.monotonic()
            self.tokens = min(1.0, self.tokens + (now - self.at) * self.per_second)
            self.at = now
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True
