"""Stages of the study: each one's numbers are a JSON file, and what is there is not redone."""

from collections.abc import Callable
from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import read_json, write_json


def kept(journal: Journal, name: str, make: Callable[[], Any]) -> Any:
    """The value of a stage, from its file `stages/NAME.json` where it was finished.

    A value with `failed` requests above 0 does not finish it: the next run asks them again.
    """
    file = journal.file(f"stages/{name}.json")
    if not journal.done(name):
        value = make()
        write_json(file, value)
        if not (isinstance(value, dict) and value.get("failed")):
            journal.finish(name)
    return read_json(file)
