"""Prompts of the tasks, from Jinja files that a user can replace."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, TemplateError
from tenpapers.errors import UserError


@cache
def _template(name: str, folder: Path | None) -> str:
    path = (folder / f"{name}.jinja") if folder else None
    if path is not None and path.exists():
        return path.read_text(encoding="utf-8")
    return files("lofit").joinpath(f"prompts/{name}.jinja").read_text(encoding="utf-8")


def fill(name: str, folder: Path | None = None, **values: object) -> str:
    """Fill one template; a file of the same name in `folder` replaces ours.

    Raises
    ------
    UserError : the template names something that does not exist or is not Jinja.
    """
    try:
        # A final newline of a template is part of the prompt: CLUTRR's ends with one.
        kept = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
        return kept.from_string(_template(name, folder)).render(**values)
    except TemplateError as error:
        raise UserError(f"{folder or 'prompts'}/{name}.jinja: {error}") from None


@cache
def primer() -> str:
    """The six question-answer pairs of TruthfulQA's evaluation (see data/SOURCE.md)."""
    return files("lofit").joinpath("data/truthfulqa_primer.txt").read_text(encoding="utf-8")


def truthfulqa_context(*, instruction: bool = True, folder: Path | None = None) -> str:
    """What stands before every question in the evaluation (section 5.1 of the spec)."""
    head = fill("truthfulqa_instruction", folder).strip() + "\n\n" if instruction else ""
    return f"{head}{primer()}\n\n"
