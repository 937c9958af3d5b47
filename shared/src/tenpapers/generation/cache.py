"""Completions and scores by content, in SQLite: stored the moment they exist."""

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ..closing import Closing
from ..models.embedded import cache_folder
from .types import Completion, Score

log = logging.getLogger(__name__)

LOCKED_SECONDS = 10.0
Table = Literal["completion", "score"]


class CompletionCache(Closing):
    """A map from content hash to completion that survives being killed.

    A cache that cannot be opened, read or written (damaged, locked, full, another's) is a warning,
    and the run goes on without it. What it cannot make sense of, it does not have. Any thread may
    use it.

    Parameters
    ----------
    path : database file; default `completions.sqlite` in the user's cache folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / "completions.sqlite"
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._stores = True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self.path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=normal")
            for table in ("completion", "score"):
                self._db.execute(
                    f"create table if not exists {table} (key text primary key, body text)"
                )
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def find(self, keys: Sequence[str]) -> dict[str, Completion]:
        """Look completions up; what is not there is left out."""
        found, unknown = {}, 0
        for key, body in self._read("completion", keys):
            try:
                found[key] = Completion.model_validate_json(body)
            except ValidationError:
                unknown += 1
        if unknown:
            log.warning("%s: %d rows of another version are not used", self.path, unknown)
        return found

    def store(self, key: str, completion: Completion) -> None:
        """Keep one completion, durably against the end of this process."""
        self._write("completion", key, completion.model_dump_json())

    def find_scores(self, keys: Sequence[str]) -> dict[str, Score]:
        """Look scores up; what is not there is left out."""
        found = {}
        for key, body in self._read("score", keys):
            tokens = tuple(json.loads(body))
            found[key] = Score(sum(tokens), tokens)
        return found

    def store_score(self, key: str, score: Score) -> None:
        """Keep one score."""
        self._write("score", key, json.dumps(score.tokens))

    def _read(self, table: Table, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"select key, body from {table} where key in ({marks})"
            with self._lock:
                try:
                    rows = self._db.execute(query, part).fetchall() if self._db else []
                except sqlite3.Error as error:
                    rows = []
                    self._give_up(error)
            yield from rows

    def _write(self, table: Table, key: str, body: str) -> None:
        with self._lock:
            if self._db is None or not self._stores:
                return
            try:
                self._db.execute(f"insert or replace into {table} values (?, ?)", (key, body))
            except sqlite3.Error as error:
                self._stores = False  # what it has can still be read
                log.warning("%s: %s: answers are not kept any more", self.path, error)

    def _give_up(self, error: Exception) -> None:
        log.warning("%s: %s: this run goes on without a cache", self.path, error)
        if self._db is not None:
            self._db.close()
        self._db = None

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None
