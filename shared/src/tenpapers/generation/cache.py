"""Completions by content, in SQLite: stored the moment they exist."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ..models.embedded import cache_folder
from .types import Completion


class CompletionCache:
    """A map from content hash to completion that survives being killed.

    Parameters
    ----------
    path : database file; default `completions.sqlite` in the user's cache folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / "completions.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.execute("create table if not exists completion (key text primary key, body text)")

    def find(self, keys: Sequence[str]) -> dict[str, Completion]:
        """Look completions up; what is not there is left out."""
        found = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"select key, body from completion where key in ({marks})"
            for key, body in self._db.execute(query, part):
                found[key] = Completion.model_validate_json(body)
        return found

    def store(self, key: str, completion: Completion) -> None:
        """Keep one completion, durably against the end of this process."""
        self._db.execute(
            "insert or replace into completion values (?, ?)", (key, completion.model_dump_json())
        )

    def close(self) -> None:
        """Close the database."""
        self._db.close()
