"""What a function is, from its source, its documentation or the model."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.records import Record, first_problem, read_json_lines

from ..inputs.update_types import old_name, parent_path
from ..sampling.prompts import fill
from .parse_responses import read_code
from .stored_model import LLM


class FunctionSheet(Record):
    """A function of an installed library.

    `signature` is written `PATH(args):` without blanks between arguments; `summary` is the
    docstring shortened to what a re-implementation needs.
    """

    function_path: str
    signature: str
    docstring: str
    summary: str = ""
    imports: tuple[str, ...] = ()


def make_importable(folders: Iterable[Path]) -> None:
    """Let this process import a library of the user's own, as the sandbox does."""
    for folder in folders:
        if str(folder.resolve()) not in sys.path:
            sys.path.insert(0, str(folder.resolve()))


def find_function(path: str) -> object:
    """Import what a dotted path names.

    Raises
    ------
    UserError : the package is missing or an attribute is gone (with the installed version).
    """
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for name in parts[count:]:
            if not hasattr(found, name):
                version = getattr(importlib.import_module(parts[0]), "__version__", "installed")
                raise UserError(f"{path}: {parts[0]} {version} has no {name!r} there")
            found = getattr(found, name)
        return found
    raise UserError(
        f"{path}: the package {parts[0]!r} is not installed",
        "name the folder of a library of your own by --path",
    )


def find_signature(path: str, function: object) -> str:
    """Find the signature: in the source, the docstring's first line, by `inspect`; else ""."""
    name = old_name(path)
    if in_source := re.search(
        rf"def {re.escape(name)}(\(.*?\))\s*(?:->[^:]*)?:", _source(function), re.S
    ):
        return _tidy(path, in_source.group(1))
    first_line = (inspect.getdoc(function) or "").split("\n")[0]
    if in_docstring := re.match(rf"(?:[\w.]+\.)?{re.escape(name)}(\(.*\))", first_line):
        return _tidy(path, in_docstring.group(1))
    try:
        return _tidy(path, str(inspect.signature(function)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""


def _source(function: object) -> str:
    """Source code of a function; "" where Python has none."""
    try:
        return inspect.getsource(inspect.unwrap(function))  # type: ignore[arg-type]
    except (TypeError, OSError):
        return ""


def _tidy(path: str, arguments: str) -> str:
    dense = re.sub(r"\s+", "", arguments)
    return f"{path}{dense}:"


def make_sheet(path: str, llm: LLM, folder: Path | None = None) -> FunctionSheet:
    """Describe a function; the model shortens its docstring and, at need, writes its signature.

    Raises
    ------
    UserError : the function does not exist.
    Rejected : the model wrote no usable signature.
    """
    function = find_function(path)
    docstring = inspect.getdoc(function) or ""
    signature = find_signature(path, function)
    if not signature:
        user = fill("synth/signature", folder, path=path, docstring=docstring)
        line = llm.accept("signature", "", user, read_code)
        found = re.search(r"\((.*)\)", line, re.S)
        signature = _tidy(path, found.group(0) if found else "(*args,**kwargs)")
    user = fill("synth/summary", folder, path=path, signature=signature, docstring=docstring)
    summary = llm.ask("summary", "", user).strip()
    return FunctionSheet(
        function_path=path,
        signature=signature,
        docstring=docstring,
        summary=summary,
        imports=(f"import {module_of(path)}",),
    )


def module_of(path: str) -> str:
    """Find the longest importable module of a path."""
    parts = parent_path(path).split(".")
    while len(parts) > 1:
        try:
            importlib.import_module(".".join(parts))
            break
        except ImportError:
            parts.pop()
    return ".".join(parts)


def read_sheets(path: Path) -> dict[str, FunctionSheet]:
    """Read sheets from JSONL: ours, or the paper's with its field names.

    Raises
    ------
    UserError : a line without path and signature.
    """
    sheets = {}
    for number, value in read_json_lines(path):
        fields = _published(value) if "arguments_str" in value else value
        try:
            sheet = FunctionSheet.model_validate(fields)
        except ValidationError as error:
            raise UserError(f"{path}:{number}: {first_problem(error)}") from None
        sheets[sheet.function_path] = sheet
    return sheets


def _published(value: dict[str, Any]) -> dict[str, Any]:
    """Rename the fields of the paper's sheets."""
    path = value.get("api_path", "")
    imports = value.get("imports") or []
    return {
        "function_path": path,
        "signature": _tidy(path, f"({value['arguments_str']}){value.get('return_type_hint', '')}"),
        "docstring": value.get("doc_string", ""),
        "summary": value.get("summarized_doc", ""),
        "imports": imports.split("\n") if isinstance(imports, str) else imports,
    }
