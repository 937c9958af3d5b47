"""What a judge says, read: its JSON found, its value checked, never guessed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..records import ASPECTS, STANCES, JudgeKind, Status

# Verdicts are short; what is longer is a model that runs on.
LONGEST = 64_000
# Characters that are read where objects may begin: nested beginnings, each read to where it breaks
# off, must not cost the square of their number.
_READ = 16 * LONGEST
_KEYS: dict[JudgeKind, tuple[str, ...]] = {
    "stance": ("stance",),
    "quality": ASPECTS,
    "missing": ("score",),
    "topics": ("topics",),
}
_SOURCES = {"a": "A", "b": "B", "both": "both"}
_ABSENT = object()


class _OutOfRangeError(ValueError):
    pass


def parse_judgement(kind: JudgeKind, raw: str | None) -> tuple[Any, Status]:
    """Read a judge's verdict.

    Parameters
    ----------
    raw : the judge's words: a JSON object, alone, in a code fence or in a text; of several with the
        wanted keys the last counts. None is a call that failed.

    Returns
    -------
    Value and status. The value is a stance, a score, scores by aspect, or a list of topics with
    `name`, `response` (A, B or both) and `helpfulness`; `N/A` is None with status `ok`. Where one
    part of several cannot be read it alone is None, and the status says so; where nothing can, the
    value is None.
    """
    if raw is None:
        return None, "call_failed"
    found = list(_objects(raw[:LONGEST]))
    if not found:
        return None, "bad_json"
    wanted = [verdict for verdict in found if any(key in verdict for key in _KEYS[kind])]
    if not wanted:
        return None, "missing_key"
    return _read(kind, wanted[-1])


def read_value(kind: JudgeKind, value: object) -> tuple[Any, Status]:
    """Check a verdict that was read before, where None stands for `N/A`; see `parse_judgement`."""
    said = _with_na(value)
    if kind != "quality":
        return _read(kind, {_KEYS[kind][0]: said})
    return _read(kind, said) if isinstance(said, dict) else (None, "out_of_range")


def _with_na(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_na(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_na(part) for part in value]
    return "N/A" if value is None else value


def _read(kind: JudgeKind, verdict: Mapping[str, Any]) -> tuple[Any, Status]:
    if kind == "quality":
        return _aspects(verdict)
    if kind == "topics":
        return _topics(verdict["topics"])
    try:
        return (_stance if kind == "stance" else _score)(verdict[_KEYS[kind][0]]), "ok"
    except _OutOfRangeError:
        return None, "out_of_range"


def kind_of(raw: str) -> JudgeKind | None:
    """Which judge has said something, by the keys of its object."""
    for verdict in _objects(raw[:LONGEST]):
        for kind, keys in _KEYS.items():
            if all(key in verdict for key in keys):
                return kind
    return None


def kind_of_value(value: object) -> JudgeKind | None:
    """Which judge has given a verdict, by what it is."""
    if isinstance(value, str):
        return "stance" if value.strip().lower() in STANCES else None
    if isinstance(value, Mapping):
        return "quality" if any(aspect in value for aspect in ASPECTS) else None
    if isinstance(value, list):
        return "topics" if all(isinstance(topic, Mapping) for topic in value) else None
    return None if value is None or isinstance(value, bool) else "missing"


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """JSON objects in a text, keys in small letters, outermost only, in their order."""
    decoder = json.JSONDecoder(strict=False)
    place, read = text.find("{"), 0
    while place >= 0 and read < _READ:
        found, reached, end = None, len(text), place + 1
        try:
            value, end = decoder.raw_decode(text, place)
            found, reached = _lower_keys(value), end
        except json.JSONDecodeError as error:
            reached = error.pos
        except (ValueError, RecursionError):
            pass  # a number of thousands of digits, nesting that nobody means
        if found is not None:
            yield found
        read += reached - place
        place = text.find("{", end)


def _lower_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.strip().lower(): _lower_keys(part) for key, part in value.items()}
    return [_lower_keys(part) for part in value] if isinstance(value, list) else value


def _stance(value: object) -> str:
    name = value.strip().lower() if isinstance(value, str) else value
    if name not in STANCES:
        raise _OutOfRangeError
    return str(name)


def _score(value: object) -> float | None:
    """A whole number from 1 to 5; None for `N/A`."""
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in ("n/a", "na"):
            return None
        if not re.fullmatch(r"[1-5](\.0+)?", text):
            raise _OutOfRangeError
        return float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in range(1, 6):
        raise _OutOfRangeError
    return float(value)


def _aspects(verdict: Mapping[str, Any]) -> tuple[dict[str, float | None], Status]:
    scores: dict[str, float | None] = {}
    status: Status = "ok"
    for aspect in ASPECTS:
        given = verdict.get(aspect, _ABSENT)
        if isinstance(given, Mapping):
            given = given.get("score", _ABSENT)
        try:
            if given is _ABSENT:
                scores[aspect], status = None, "missing_key"
            else:
                scores[aspect] = _score(given)
        except _OutOfRangeError:
            scores[aspect], status = None, "out_of_range"
    return scores, status


def _topics(given: object) -> tuple[list[dict[str, Any]] | None, Status]:
    if not isinstance(given, list) or not all(isinstance(topic, Mapping) for topic in given):
        return None, "out_of_range"
    topics: list[dict[str, Any]] = []
    status: Status = "ok"
    for topic in given:
        source = _SOURCES.get(str(topic.get("response", "")).strip().lower())
        if source is None:
            status = "out_of_range"
            continue
        helpfulness = None
        try:
            helpfulness = _score(topic.get("helpfulness"))
        except _OutOfRangeError:
            status = "out_of_range"
        name = str(topic.get("name", ""))
        topics.append({"name": name, "response": source, "helpfulness": helpfulness})
    return topics, status
