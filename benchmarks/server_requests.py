"""Chat requests to a server: our backend against the bare `openai` client, 16 at a time.

The server is a process of its own on loopback that answers after a fixed delay, so that what is
measured is what a client adds to it: processor time, which a busy machine does not change. Ours
paces, reads and settles every answer and, in the last line, stores it too.

    python benchmarks/server_requests.py [--requests 1000] [--delay 0.0]
"""

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from openai import AsyncOpenAI
from tenpapers.generation import CompletionCache, Request, open_generator
from tenpapers.generation.types import Message

AT_ONCE = 16
ANSWER = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 100},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110},
    }
).encode()


async def serve(delay: float, told: "multiprocessing.SimpleQueue[int]") -> None:
    """Answer every request the same."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return  # the client hung up
            lines = head.decode().lower().split("\r\n")
            (length,) = (line.split(":")[1] for line in lines if line.startswith("content-length"))
            await reader.readexactly(int(length))
            await asyncio.sleep(delay)
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
            )
            await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    told.put(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _serve(delay: float, told: "multiprocessing.SimpleQueue[int]") -> None:
    asyncio.run(serve(delay, told))


async def bare(address: str, count: int) -> None:
    """The client alone, with a semaphore."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            done = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": f"say {number}"}], max_tokens=100
            )
        assert done.choices[0].message.content

    async with AsyncOpenAI(api_key="none", base_url=address, max_retries=0) as client:
        await asyncio.gather(*(one(number) for number in range(count)))


def ours(address: str, count: int, cache: CompletionCache | bool) -> None:
    """The same through a generator."""
    requests = [
        Request(id=str(i), messages=(Message(role="user", content=f"say {i}"),))
        for i in range(count)
    ]
    with open_generator(f"openai:m@{address}", cache=cache) as generator:
        assert all(done.text for done in generator.generate(requests))


def main() -> None:
    """Time the ways in turn, three times each, and take the best."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds an answer takes")
    options = parser.parse_args()
    told: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    server = multiprocessing.Process(target=_serve, args=(options.delay, told), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{told.get()}/v1"
    with tempfile.TemporaryDirectory() as folder:
        files = iter(range(100))
        ways: dict[str, Callable[[int], None]] = {
            "openai client": lambda count: asyncio.run(bare(address, count)),
            "ours": lambda count: ours(address, count, False),
            "ours, stored": lambda count: ours(
                address, count, CompletionCache(Path(folder) / f"{next(files)}.sqlite")
            ),
        }
        best = dict.fromkeys(ways, float("inf"))
        for turn in range(4):
            for name, way in ways.items():
                began = time.process_time()
                way(options.requests if turn else 20)
                if turn:
                    best[name] = min(best[name], time.process_time() - began)
    server.terminate()
    for name, seconds in best.items():
        print(
            f"{name:14s} {1000 * seconds / options.requests:5.2f} ms of processor time a request, "
            f"{best['openai client'] / seconds:4.2f}x as fast as the bare client"
        )


if __name__ == "__main__":
    main()
