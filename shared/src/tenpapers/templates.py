"""Prompts from Jinja files that a package ships; a file of that name in a user's folder wins."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template, TemplateError

from .errors import UserError

# The final newline of a file ends its last line and is no part of the prompt.
_PLAIN = Environment(undefined=StrictUndefined)
# In a file of sections, tags stand on lines of their own that leave nothing behind.
_TRIMMED = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_SECTION = re.compile(r"^--- (\w+) ---\n", re.MULTILINE)


def fill(package: str, name: str, folder: Path | None = None, **values: object) -> str:
    """Fill `prompts/<name>.jinja` of a package.

    Parameters
    ----------
    package : import name of the package that ships the template.
    name : of the file, without its ending; "synth/update" lies one folder deeper.
    folder : the user's templates; a file of the same name there replaces ours.
    values : what the template names.

    Returns
    -------
    The text, without the file's final newline; one that the prompt needs is a blank last line.

    Raises
    ------
    UserError : the template is not Jinja, or names something that does not exist.
    """
    try:
        return _template(package, name, folder).render(**values)
    except TemplateError as error:
        raise UserError(f"{folder or 'prompts'}/{name}.jinja: {error}") from None


def fill_section(
    package: str,
    name: str,
    section: str,
    folder: Path | None = None,
    *,
    default: str | None = None,
    **values: object,
) -> str:
    """Fill one section of a template file whose parts begin with lines like `--- question ---`.

    Parameters
    ----------
    default : what stands for a section that the file does not have.

    Returns
    -------
    The text, without newlines around it.

    Raises
    ------
    UserError : no such section and no `default`; see `fill`.
    """
    where = f"{folder or 'prompts'}/{name}.jinja"
    sections = _sections(package, name, folder)
    if section not in sections and default is not None:
        return default
    if section not in sections:
        raise UserError(f"{where}: no section {section!r}", f"one of {', '.join(sections)}")
    try:
        return _TRIMMED.from_string(sections[section]).render(**values).strip("\n")
    except TemplateError as error:
        raise UserError(f"{where}: {section}: {error}") from None


@cache
def _template(package: str, name: str, folder: Path | None) -> Template:
    return _PLAIN.from_string(_source(package, name, folder))


@cache
def _sections(package: str, name: str, folder: Path | None) -> dict[str, str]:
    parts = _SECTION.split(_source(package, name, folder))
    return dict(zip(parts[1::2], (part.strip("\n") for part in parts[2::2]), strict=True))


def _source(package: str, name: str, folder: Path | None) -> str:
    own = folder / f"{name}.jinja" if folder else None
    if own is not None and own.exists():
        return own.read_text(encoding="utf-8-sig")
    return files(package).joinpath(f"prompts/{name}.jinja").read_text(encoding="utf-8")
