"""Our own templates, kept as files that users can replace."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template, TemplateError
from tenpapers.errors import UserError


@cache
def _template(name: str, folder: Path | None) -> Template:
    path = (folder / f"{name}.jinja") if folder else None
    if path is not None and path.exists():
        text = path.read_text(encoding="utf-8")
    else:
        text = files("retrievalheads").joinpath(f"prompts/{name}.jinja").read_text(encoding="utf-8")
    kept = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return kept.from_string(text)


def fill(name: str, folder: Path | None = None, **values: object) -> str:
    """Fill one template; a file of the same name in `folder` replaces ours.

    Raises
    ------
    UserError : the template names something that does not exist or is not Jinja.
    """
    try:
        return _template(name, folder).render(**values).removesuffix("\n")
    except TemplateError as error:
        raise UserError(f"{folder or 'prompts'}/{name}.jinja: {error}") from None
