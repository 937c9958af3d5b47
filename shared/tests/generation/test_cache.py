import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from tenpapers.generation import Completion, CompletionCache, Score


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


@pytest.fixture
def filled(tmp_path):
    """Path of a cache with one completion under each of two keys."""
    path = tmp_path / "c.sqlite"
    with CompletionCache(path) as cache:
        for key in ("a", "b"):
            cache.store(key, Completion(id="1", text=key, finish_reason="stop"))
    return path


def goes_on_without(path, caplog):
    with CompletionCache(path) as cache:
        cache.store("c", Completion(id="1", text="c", finish_reason="stop"))
        found = cache.find(["a", "b", "c"])
    assert str(path) in caplog.text and len(caplog.records) == 1
    return found


def test_a_damaged_cache_is_a_warning(filled, caplog):
    filled.write_bytes(b"not a database" * 1000)
    assert goes_on_without(filled, caplog) == {}


def test_a_locked_cache_is_a_warning(filled, caplog, monkeypatch):
    monkeypatch.setattr("tenpapers.generation.cache.LOCKED_SECONDS", 0.1)
    with sqlite3.connect(filled) as other:
        other.execute("begin exclusive")
        found = goes_on_without(filled, caplog)
    assert sorted(found) == ["a", "b"]  # readers need no lock


def test_a_place_that_cannot_be_written_is_a_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    assert goes_on_without(tmp_path / "file" / "c.sqlite", caplog) == {}


def test_a_row_of_a_newer_version_is_a_warning_and_no_answer(filled, caplog):
    with sqlite3.connect(filled) as other:
        other.execute("""update completion set body = '{"parts": []}' where key = 'a'""")
    found = goes_on_without(filled, caplog)
    assert sorted(found) == ["b", "c"] and "1 rows of another version" in caplog.text


FULL = """
import logging, resource, sys
from pathlib import Path
from tenpapers.generation import Completion, CompletionCache

logging.basicConfig(format="%(message)s")
with CompletionCache(Path(sys.argv[1])) as cache:
    cache.store("a", Completion(id="1", text="a", finish_reason="stop"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # no file may grow beyond
    for i in range(100):
        cache.store(f"b{i}", Completion(id="1", text="b" * 5000, finish_reason="stop"))
    print(cache.find(["a"])["a"].text)
"""


def test_a_full_disk_is_a_warning_and_what_was_kept_is_found(tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path / "c.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "a\n"
    assert done.stderr.count("answers are not kept any more") == 1


def test_scores_are_kept_beside_completions(tmp_path):
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        cache.store_score("a", Score(-3.0, (-1.0, -2.0)))
        cache.store_score("", Score(0.0, ()))
        assert cache.find_scores(["a", "", "b"]) == {
            "a": Score(-3.0, (-1.0, -2.0)),
            "": Score(0.0, ()),
        }
