"""Prompts of every arm, from Jinja files that a user can replace."""

import json
from importlib.resources import files
from pathlib import Path

from tenpapers import templates
from tenpapers.errors import UserError

from ..inputs.published_forms import from_raw, read_arena_file
from ..records import ProgSynExample


def fill(name: str, folder: Path | None = None, **values: object) -> str:
    """Fill one template, without white space around it; a file in `folder` replaces ours.

    Raises
    ------
    UserError : the template names something that does not exist or is not Jinja.
    """
    return templates.fill("codeupdatearena", name, folder, **values).strip()


def demonstration(path: Path | None = None) -> ProgSynExample:
    """Give the worked example of every prompt: ours, or the first of an arena file.

    The paper's own item (`example_datum.json`) is read too: its raw form is mapped.
    """
    if path is None:
        text = files("codeupdatearena").joinpath("data/demonstration.json").read_text()
        return ProgSynExample.model_validate_json(text)
    if path.suffix == ".json":
        return _raw_demonstration(path)
    return read_arena_file(path)[0]


def _raw_demonstration(path: Path) -> ProgSynExample:
    try:
        return from_raw(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a raw benchmark item: {error!r}") from None


def code_block(code: str) -> str:
    """Put code between the tags that answers are read from."""
    return f"[PYTHON]\n{code.strip()}\n[/PYTHON]"


def render(
    example: ProgSynExample,
    demo: ProgSynExample | None,
    part_u: bool,
    part_q: bool,
    answer: bool,
    *,
    header: bool = False,
    show_test: bool = True,
    folder: Path | None = None,
) -> str:
    """Render one prompt.

    Parameters
    ----------
    demo : worked example of the task block; None leaves it out.
    part_u : begin with the update's documentation (block U).
    part_q : task and question (blocks T and Q).
    answer : end with the header line and the reference solution (a training text).
    header : end with the header line alone (test prompts of the PS arms).
    show_test : show each question's first unit test.
    folder : templates that replace ours.
    """
    update = fill("update", folder, update=example.update) if part_u else ""
    if not part_q:
        return f"[INST] {update} [/INST]"
    blocks = [update, fill("task", folder)]
    if demo is not None:
        shown = fill("question", folder, example=demo, show_test=show_test)
        blocks.append(f"{shown}\n[/INST]\n{code_block(demo.ref_solution)}\n[INST]")
    blocks.append(fill("question", folder, example=example, show_test=show_test))
    text = "[INST] " + "\n\n".join(block for block in blocks if block) + "\n[/INST]\n"
    if header or answer:
        text += fill("header", folder) + "\n"
    return text + code_block(example.ref_solution) if answer else text


def answer_start(text: str, example: ProgSynExample) -> int:
    """Give the character at which a training text's answer begins: its loss mask starts there."""
    return len(text) - len(code_block(example.ref_solution))
