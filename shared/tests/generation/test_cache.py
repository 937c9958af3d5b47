import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from tenpapers.generation import Completion, CompletionCache


def test_what_is_stored_is_found_and_the_rest_left_out(tmp_path):
    cache = CompletionCache(tmp_path / "new" / "c.sqlite")
    stored = {
        f"key {i}": Completion(id="ä", text=f"t{i}\n", finish_reason="stop") for i in range(1001)
    }
    for key, completion in stored.items():
        cache.store(key, completion)
    assert cache.find([*stored, "unknown"]) == stored  # more keys than one query takes
    cache.store("key 7", Completion(id="b", text="new", finish_reason="length"))
    assert cache.find(["key 7"])["key 7"].text == "new"
    cache.close()
    assert CompletionCache(tmp_path / "new" / "c.sqlite").find(["key 0"]) == {
        "key 0": stored["key 0"]
    }


RUN = """
import sys, time
from pathlib import Path
from tenpapers.generation import Completion, CompletionCache, Generator, Request

class Slow:
    family, model, identity = "slow", "m", "1"
    def stream(self, requests, keep):
        for request in requests:
            with open(sys.argv[2], "a") as log:
                log.write(request.id + "\\n")
            time.sleep(float(sys.argv[3]))
            completion = Completion(id=request.id, text="t" + request.id, finish_reason="stop")
            keep(completion)
            yield completion
    def close(self): pass

with Generator(Slow(), CompletionCache(Path(sys.argv[1]))) as generator:
    done = generator.generate([Request(id=str(i), prompt=f"p{i}") for i in range(200)])
    print(len(done), all(c.text == "t" + c.id for c in done))
"""


@pytest.mark.parametrize("killed_after", [3, 57])
def test_a_killed_run_of_200_requests_goes_on_without_loss_or_repetition(tmp_path, killed_after):
    database, log = tmp_path / "c.sqlite", tmp_path / "asked.txt"
    log.touch()
    command = [sys.executable, "-c", RUN, str(database), str(log)]
    first = subprocess.Popen([*command, "0.02"], stdout=subprocess.PIPE)
    while len(log.read_text().split()) < killed_after:
        assert first.poll() is None, "the run ended"
        time.sleep(0.005)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with sqlite3.connect(database) as connection:
        kept = {json.loads(b)["id"] for (b,) in connection.execute("select body from completion")}
    asked_before = log.read_text().split()
    assert 0 < len(kept) < 200
    # Everything asked was kept, but for the one in flight.
    assert len(asked_before) - len(kept) in (0, 1)
    log.write_text("")
    second = subprocess.run([*command, "0"], capture_output=True, text=True, check=True)
    assert second.stdout == "200 True\n"
    asked_after = log.read_text().split()
    assert set(asked_after) == {str(i) for i in range(200)} - kept
    assert len(asked_after) == len(set(asked_after))
