"""The published forms of the data, and the generator's raw record, repaired into one."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.paper import load_paper
from tenpapers.records import first_problem, read_json_lines

from ..records import ApiUpdate, ProgSynExample
from .update_types import UpdateType, enforce_statements, old_name, parent_path

HUB_ID = "leo-liuzy/CodeUpdateArena"
_UPDATE_NAMES = {
    "api_path": "function_path",
    "update_description": "description",
    "update_docstring": "docstring",
    "new_function_signature": "signature",
    "new_impl": "implementation",
}
_EXAMPLE_NAMES = {"prog_syn_imports": "imports", "solution": "ref_solution"}
# A JSON value as it was read, before anything is known of it.
Raw = dict[str, Any]


def split_tests(text: str) -> list[str]:
    """Split joined tests by parsing, one piece a top-level function.

    Tests contain blank lines of their own, so splitting on those breaks some. Comments at the left
    margin and decorators belong to the test below them; what stands indented at the end of a test
    stays there, which makes a piece equal to the list form of the same data.

    Raises
    ------
    UserError : the text does not parse.
    """
    if text.count("\r\n") == text.count("\n"):  # a file of Windows, not a stray sign in a test
        text = text.replace("\r\n", "\n")
    try:
        nodes = ast.parse(text).body
    except SyntaxError as error:
        raise UserError(f"unit_tests: line {error.lineno}: {error.msg}") from None
    lines = text.split("\n")
    starts, above = [], 0
    for node in nodes:
        starts.append(_first_line(lines, node, above))
        above = node.end_lineno or node.lineno
    ends = [start - 1 for start in starts[1:]] + [len(lines)]
    pieces = ["\n".join(lines[start - 1 : end]) for start, end in zip(starts, ends, strict=True)]
    # The join put a blank line between tests; what remains belongs to the test.
    return [
        piece.removesuffix("\n") if i + 1 < len(pieces) else piece for i, piece in enumerate(pieces)
    ]


def _first_line(lines: Sequence[str], node: ast.stmt, above: int) -> int:
    """First line of a function with its decorators and the comments over it, counted from 1.

    Parameters
    ----------
    above : last line of what stands before it; 0 for nothing.
    """
    first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
    comments = (number for number in range(above + 1, first) if lines[number - 1].startswith("#"))
    return next(comments, first)


def _lines(value: object) -> object:
    return value.split("\n") if isinstance(value, str) else value


def _tests(value: object) -> object:
    return split_tests(value) if isinstance(value, str) else value


def _update(raw: Raw) -> ApiUpdate:
    fields = {_UPDATE_NAMES.get(key, key): value for key, value in raw.items()}
    fields["imports"] = _lines(fields.get("imports", []))
    if fields.get("unit_tests") is not None:
        fields["unit_tests"] = _tests(fields["unit_tests"]) or None
    path = fields.get("function_path")
    if isinstance(path, str):
        fields.setdefault("package", path.partition(".")[0])
    known = {key: value for key, value in fields.items() if key in ApiUpdate.model_fields}
    update = ApiUpdate.model_validate(known)
    UpdateType.parse(update.update_type)
    return update


def _example(raw: Raw, update: ApiUpdate, index: int) -> ProgSynExample:
    fields = {_EXAMPLE_NAMES.get(key, key): value for key, value in raw.items()}
    fields["imports"] = _lines(fields.get("imports", update.imports))
    fields["unit_tests"] = _tests(fields.get("unit_tests", []))
    fields.setdefault("prog_syn_id", f"{update.update_id}:[prog_syn-{index}]")
    known = {key: value for key, value in fields.items() if key in ProgSynExample.model_fields}
    example = ProgSynExample.model_validate(known | {"update": update})
    check_old(example)
    return example


def check_old(example: ProgSynExample) -> None:
    """Check that the imports keep the old function, where the update needs it.

    Raises
    ------
    UserError : they do not, or they do not parse.
    """
    update = example.update
    path, kind = update.function_path, UpdateType.parse(update.update_type)
    name, parent = old_name(path), parent_path(path)
    old = f"old_{name}"
    mentioned = re.search(rf"\b{re.escape(old)}\b", update.implementation)
    if kind == UpdateType("add", "function") and not mentioned:
        return
    try:
        nodes = list(ast.walk(ast.parse("\n".join(example.imports))))
    except SyntaxError as error:
        raise UserError(f"imports: line {error.lineno}: {error.msg}") from None
    made = {node.id for node in nodes if isinstance(node, ast.Name)}
    if old not in made:
        raise UserError(
            f"imports: nothing keeps the old function as {old}",
            f'their last two lines are to be "{old} = {path}" and '
            f"\"setattr({parent}, '{old}', {old})\"",
        )


def _rows(value: object) -> Iterator[ProgSynExample]:
    if not isinstance(value, dict) or not isinstance(value.get("update"), dict):
        raise UserError("update: a line needs an update (is this an arena file?)")
    update = _update(value["update"])
    enforce_statements(update)
    grouped = value.get("prog_syn_examples")
    for index, raw in enumerate([value] if grouped is None else grouped):
        yield _example(raw, update, index)


def from_raw(raw: Raw) -> ProgSynExample:
    """Convert one raw record of the paper's generator (one update, one problem).

    Its field names differ from the published ones; it names neither the update's id nor, at
    times, its type.
    """
    source = dict(raw["update"])
    source.setdefault("update_type", "add-argument")
    source.setdefault("update_id", f"[{source['api_path']}]:[{source['update_type']}]:[update-0]")
    source.pop("unit_tests", None)
    update = _update(source)
    (problem,) = raw["prog_syn"] if isinstance(raw.get("prog_syn"), list) else [raw["prog_syn"]]
    tests = problem["unit_tests"]
    return ProgSynExample(
        prog_syn_id=f"{update.update_id}:[prog_syn-0]",
        update=update,
        scenario=problem["scenario"],
        problem=problem["problem"],
        solution_signature=problem["solution_signature"],
        imports=problem.get("imports", update.imports),
        unit_tests=tests if isinstance(tests, list) else list(tests.values()),
        ref_solution=problem.get("ref_solution") or problem["solution"],
    )


def read_arena_file(path: Path) -> list[ProgSynExample]:
    """Read any published form, or our canonical one, of an arena file.

    Raises
    ------
    UserError : `file:line: field: reason` for the first line that does not fit.
    """
    examples: list[ProgSynExample] = []
    seen: set[str] = set()
    for number, value in read_json_lines(path):
        try:
            for example in _rows(value):
                if example.prog_syn_id in seen:
                    raise UserError(f"prog_syn_id: {example.prog_syn_id} occurs twice")
                seen.add(example.prog_syn_id)
                examples.append(example)
        except ValidationError as error:
            raise UserError(f"{path}:{number}: {first_problem(error)}") from None
        except UserError as error:
            raise UserError(f"{path}:{number}: {error.message}", error.hint) from None
    if not examples:
        raise UserError(f"{path}: no examples in it")
    return examples


def read_hub(name: str = HUB_ID) -> list[ProgSynExample]:
    """Load the published data set from the hub.

    Raises
    ------
    UserError : the hub cannot be reached.
    """
    from datasets import load_dataset

    try:
        revision = load_paper("codeupdatearena").revision(name)
        rows = load_dataset(name, "code_update_arena", split="test", revision=revision)
    except Exception as error:  # the hub's client raises many kinds
        raise UserError(
            f"{name}: the hub cannot be reached ({type(error).__name__})",
            "download the file elsewhere and pass its path",
        ) from None
    return [example for row in rows for example in _rows(row)]


def repairs(path: Path, examples: Sequence[ProgSynExample]) -> dict[str, int]:
    """Count what reading repaired, for the user to see; nothing where `path` is no file."""
    if not path.exists():
        return {}
    joined = split_by_blank_lines_differs = 0
    for _, value in read_json_lines(path):
        for raw in value.get("prog_syn_examples") or [value]:
            tests = raw.get("unit_tests")
            if isinstance(tests, str):
                joined += 1
                naive = [piece for piece in tests.split("\n\n") if piece.strip()]
                split_by_blank_lines_differs += len(naive) != len(split_tests(tests))
    signatures = (example.solution_signature.lstrip() for example in examples)
    odd = sum(not signature.startswith("def ") for signature in signatures)
    return {
        "examples whose joined tests were split by parsing": joined,
        "of these, broken by splitting on blank lines": split_by_blank_lines_differs,
        "signatures that do not begin with def (kept)": odd,
    }
