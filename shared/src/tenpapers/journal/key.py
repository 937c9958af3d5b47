"""What a run depends on: its settings, its models and inputs by content, and how two differ."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ..errors import without_credentials
from ..models.identity import content_digest
from ..settings import as_config

Row = dict[str, Any]
# Settings of how a run is done, not of what comes out.
_MANNER = {"cache", "workers"}


def known_by(name: str, content: object) -> Row:
    """A setting that is what it contains, whatever it is called: a model by its identity.

    Parameters
    ----------
    name : for messages; two of different names and one content are the same.
    content : an identity, or JSON values that came from elsewhere than a file.
    """
    return {"name": without_credentials(name), "sha256": content_digest(content)}


def key_of(
    command: str, settings: object, *, without: Collection[str] = (), **known: object
) -> Row:
    """What the results of a command depend on, for `Journal(key=...)`.

    Parameters
    ----------
    settings : a dataclass or record; what says how fast it runs is left out, and so are its files,
        which are inputs: see `files_of`.
    without : other settings that no kept row depends on.
    known : added to the settings or in place of them, such as models by `known_by`.
    """
    files = {name for name, value in _values(settings) if _paths(value)}
    plain = as_config(settings).items()
    kept = {name: value for name, value in plain if name not in {*files, *_MANNER, *without}}
    return {"command": command} | kept | known


def files_of(settings: object) -> list[Path]:
    """Files and folders among the settings, for `Journal(inputs=...)`."""
    return [path for _, value in _values(settings) for path in _paths(value)]


def _paths(value: object) -> list[Path]:
    """The files that a setting names, one or a list of them."""
    values = value if isinstance(value, list) else [value]
    paths = [path for path in values if isinstance(path, Path)]
    return paths if len(paths) == len(values) else []


def _values(settings: object) -> Iterator[tuple[str, object]]:
    for name in as_config(settings):
        yield name, getattr(settings, name)


def differences(old: Row, new: Row) -> str:
    """Name what differs between two headers: settings with both values, inputs that changed."""
    if old.get("journal") != new["journal"]:
        return f"its journal has version {old.get('journal')}, this one writes {new['journal']}"
    told = []
    for name in sorted({*old["key"], *new["key"]}):
        before, now = old["key"].get(name), new["key"].get(name)
        if _is_known_by_content(before) and _is_known_by_content(now):
            told += _changed(name, before, now)
        elif before != now:
            told.append(f"{name} was {json.dumps(before)} and is {json.dumps(now)}")
    if len(old["inputs"]) != len(new["inputs"]):
        told.append(f"{len(old['inputs'])} inputs then, {len(new['inputs'])} now")
    for before, now in zip(old["inputs"], new["inputs"], strict=False):
        told += _changed("input", before, now)
    return "; ".join(told)


def _is_known_by_content(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"name", "sha256"}


def _changed(what: str, before: Row, now: Row) -> list[str]:
    """What to say of two things that are known by content: nothing where it is the same."""
    if before["sha256"] == now["sha256"]:
        return []
    same = before["name"] == now["name"]
    changed = "has changed" if same else f"is not {before['name']} of then"
    return [f"{what} {now['name']} {changed}"]
