"""Prompts of the tasks, from Jinja files that a user can replace."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from tenpapers import templates


def fill(name: str, folder: Path | None = None, **values: object) -> str:
    """Fill one template of this package; see `tenpapers.templates.fill`.

    CLUTRR's prompt ends with a newline, so its file ends with a blank line.
    """
    return templates.fill("lofit", name, folder, **values)


@cache
def primer() -> str:
    """The six question-answer pairs of TruthfulQA's evaluation (see data/SOURCE.md)."""
    return files("lofit").joinpath("data/truthfulqa_primer.txt").read_text(encoding="utf-8")


def truthfulqa_context(*, instruction: bool = True, folder: Path | None = None) -> str:
    """What stands before every question of TruthfulQA's evaluation."""
    head = fill("truthfulqa_instruction", folder).strip() + "\n\n" if instruction else ""
    return f"{head}{primer()}\n\n"
