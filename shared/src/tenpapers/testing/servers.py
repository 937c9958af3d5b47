"""Servers on loopback: one that answers as a test says, and vLLM's."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..generation.vllm import VLLMBackend


@contextmanager
def chat_server(
    answer: Callable[[str], str | None], seen: list[dict[str, Any]] | None = None
) -> Iterator[str]:
    """Serve an OpenAI-compatible address on loopback; gives the address.

    Parameters
    ----------
    answer : from the prompt, or the last message, to the text; None is refused with status 400.
    seen : every body that was sent is added to it.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if seen is not None:
                seen.append(asked)
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


@contextmanager
def vllm_server(backend: VLLMBackend, name: str) -> Iterator[str]:
    """Let vLLM's own server answer from the engine of a backend; gives its address on loopback.

    An engine takes most of a minute to start, so that tests of both share one.

    Parameters
    ----------
    name : of the model, as requests to the server name it.
    """
    import uvicorn
    from vllm.entrypoints.launchers.api_server.app_state import init_app_state
    from vllm.entrypoints.launchers.app import build_app
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    engine, background = backend.start()
    words = ["--model", engine.model_config.model, "--served-model-name", name]
    settings = make_arg_parser(FlexibleArgumentParser()).parse_args(words)

    async def build() -> FastAPI:
        tasks = await engine.get_supported_tasks()
        app = build_app(settings, tasks, engine.model_config)
        await init_app_state(engine, app.state, settings, tasks)
        return app

    level = logging.root.level
    app = background.run(build())
    logging.root.setLevel(level)  # a library of the server's silences everyone's warnings
    assert app is not None
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = background.begin(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server.should_exit = True
        serving.result(20)
