"""Instances whose own tests are at fault: too heavy, flaky, or bound to old library versions."""

import json
from functools import cache
from importlib.resources import files


@cache
def known_issues() -> dict[str, str]:
    """Give the cause (`heavy`, `flaky`, `version`) of every known-bad instance by its id."""
    text = files("codeupdatearena").joinpath("data/known_issues.json").read_text()
    return {name: entry["cause"] for name, entry in json.loads(text).items()}
