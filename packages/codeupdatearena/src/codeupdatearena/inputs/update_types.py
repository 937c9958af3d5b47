"""The taxonomy of updates, and how one is put into force at run time"""

import ast
from dataclasses import dataclass
from itertools import product

from tenpapers.errors import UserError

from ..records import ApiUpdate

ACTIONS = ("add", "modify", "deprecate")
PLACES = ("function", "argument", "output")
ASPECTS = ("", "name", "semantics", "data type", "default value(s)", "supported value(s)")

_LEGAL = {
    ("modify", "function"): ("semantics", "name"),
    ("modify", "argument"): ASPECTS[1:],
    ("modify", "output"): ("semantics", "data type"),
    ("add", "function"): ("",),
    ("add", "argument"): ("", *ASPECTS[2:]),
    ("add", "output"): ("semantics", "data type"),
}


@dataclass(frozen=True)
class UpdateType:
    """Action x place x aspect; the aspect may be empty."""

    action: str
    place: str
    aspect: str = ""

    @classmethod
    def parse(cls, tag: str) -> "UpdateType":
        """Read a tag such as `add-argument-default_value(s)`.

        Raises
        ------
        UserError : not one of the 54 combinations.
        """
        parts = tag.split("-")
        action, place = [*parts, "", ""][:2]
        aspect = "-".join(parts[2:]).replace("_", " ")
        if action not in ACTIONS or place not in PLACES or aspect not in ASPECTS or len(parts) > 3:
            legal = ", ".join(kind.tag for kind in legal_update_types())
            raise UserError(f"unknown update type {tag!r}", f"one of {legal}")
        return cls(action, place, aspect)

    @property
    def tag(self) -> str:
        """The written form; aspect words joined by `_`."""
        parts = (self.action, self.place, self.aspect)
        return "-".join(part for part in parts if part).replace(" ", "_")

    @property
    def legal(self) -> bool:
        """Whether the benchmark generates updates of this type."""
        return self.aspect in _LEGAL.get((self.action, self.place), ())


def all_update_types() -> list[UpdateType]:
    """List the 54 combinations."""
    return [UpdateType(*parts) for parts in product(ACTIONS, PLACES, ASPECTS)]


def legal_update_types() -> list[UpdateType]:
    """List the 17 types that may occur (every `deprecate` is switched off)."""
    return [kind for kind in all_update_types() if kind.legal]


_SUBJECTS = {
    "": "",
    "name": "the name",
    "semantics": "the meaning",
    "data type": "the accepted or returned data type",
    "default value(s)": "the default value",
    "supported value(s)": "the set of supported values",
}


def describe_type(kind: UpdateType) -> str:
    """Say in one sentence what an update of this type does (for the generation prompts)."""
    thing = {"function": "the function", "argument": "an argument", "output": "the output"}
    subject, place = _SUBJECTS[kind.aspect], thing[kind.place]
    if kind.action == "modify":
        rest = " No argument is added." if kind.place == "argument" else ""
        return f"Replace {subject} of {place} that exists already by another one.{rest}"
    subject = subject.removeprefix("the ")
    if kind.place == "function":
        return "Add a new function beside the existing one, which stays as it is."
    if not kind.aspect:
        return "Add a new argument beside the existing ones."
    if kind.place == "argument":
        return f"Add a new argument that concerns {subject}, beside what exists."
    return f"Add a new choice of {subject} of the output beside what exists."


def parent_path(function_path: str) -> str:
    """Path of the module or class that holds the function: everything before the last dot."""
    return function_path.rpartition(".")[0]


def old_name(function_path: str) -> str:
    """Name of the function before the update, without its path."""
    return function_path.rpartition(".")[2]


def implemented_name(update: ApiUpdate) -> str:
    """Name of the one top-level function of the implementation.

    Raises
    ------
    UserError : the text does not parse or has not exactly one top-level function.
    """
    try:
        body = ast.parse(update.implementation).body
    except SyntaxError as error:
        raise UserError(f"{update.update_id}: implementation: {error.msg}") from None
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    if len(names) != 1:
        raise UserError(
            f"{update.update_id}: implementation has {len(names)} top-level functions, not one"
        )
    return names[0]


def enforce_statements(update: ApiUpdate) -> str:
    """Write the statements that put an update into force.

    Returns
    -------
    Python text, one statement a line, to run after the implementation.

    Raises
    ------
    UserError : a type without a rule, or a name of the implementation that contradicts the type.
    """
    kind = UpdateType.parse(update.update_type)
    path, parent = update.function_path, parent_path(update.function_path)
    old, new = old_name(path), implemented_name(update)
    renames = kind == UpdateType("modify", "function", "name")
    adds = kind == UpdateType("add", "function")
    if not kind.legal or not (renames or adds or kind.place in ("argument", "output")):
        raise UserError(
            f"{update.update_id}: unsupported update type {update.update_type!r}",
            "there is no rule that enforces it",
        )
    if (renames or adds) == (new == old):
        relation = "differ from" if renames or adds else "equal"
        raise UserError(
            f"{update.update_id}: implementation name {new!r} must {relation} {old!r} "
            f"for update type {update.update_type}"
        )
    if not (renames or adds):
        return f"{path} = {new}"
    setting = f"setattr({parent}, {new!r}, {new})"
    return f"del {path}\n{setting}" if renames else setting


def updated_path(update: ApiUpdate) -> str:
    """Path under which the new function is reachable once the update is in force."""
    return f"{parent_path(update.function_path)}.{implemented_name(update)}"
