"""AttrPrompt: one value of every attribute, drawn at random, stands in the prompt (Yu et al.)."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tenpapers.errors import UserError

from ..inputs.task import Task
from ..inversion.fewgen import fewgen_inputs
from ..inversion.planning import Prompt
from ..inversion.teacher import complete, open_generations
from ..records import InputRow
from .baseline_run import BaselineRun

# Attribute -> values; or attribute -> class (or group) -> values.
Attributes = Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]]


def attrprompt(run: BaselineRun) -> dict[str, Any]:
    """Ask with attributes, at temperature 1 and without demonstrations.

    Raises
    ------
    UserError : what `load_attributes` raises.
    """
    attributes = load_attributes(run.task, run.settings.attributes)
    config = replace(run.settings, temperature=1.0, shots=0)
    prompts = []
    for row in fewgen_inputs(run.task, run.settings.per_label):
        drawn = draw_attributes(row, attributes, config.seed)
        fields = row.model_copy(update={"id": f"attr-{row.id}"}).model_dump()
        text = attribute_prompt(run.task, row.label, drawn)
        asked = InputRow(**fields, attributes=drawn)  # type: ignore[call-arg]  # kept as it is
        prompts.append(Prompt(asked, (), text, len(text)))
    with open_generations(run.journal, run.name) as log:
        return complete(prompts, run.task, run.teacher, config, log, progress="attrprompt")


def attribute_prompt(task: Task, label: str, drawn: Mapping[str, str]) -> str:
    """The instruction, the drawn values as a list, and the answer prefix."""
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in drawn.items()]
    ask = task.ask(label, document=False)
    return f"{ask}\nKeep to this:\n" + "\n".join(lines) + f"\n{task.answer_prefix}"


def draw_attributes(row: InputRow, attributes: Attributes, seed: int) -> dict[str, str]:
    """One value of each attribute, uniformly; those of the row's class where there are such.

    Raises
    ------
    UserError : an attribute without a value for the row's class.
    """
    rng = np.random.default_rng([seed, zlib.crc32(row.id.encode())])
    drawn = {}
    for name, values in attributes.items():
        if isinstance(values, Mapping):
            key = _class_key(row.label, list(values))
            everything = [value for group in values.values() for value in group]
            options = values[key] if key else everything
        else:
            options = values
        if not options:
            raise UserError(f"attribute {name}: no value for label {row.label!r}")
        drawn[name] = str(options[int(rng.integers(len(options)))])
    return drawn


def _class_key(label: str, keys: Sequence[str]) -> str | None:
    """The key of a label."""
    return next((key for key in keys if _plain(key) == _plain(label)), None)


def load_attributes(task: Task, file: Path | None) -> Attributes:
    """Attributes of a task: from a file (YAML or JSON), or ours for `ag_news`.

    A file may hold several sets under names, as AttrPrompt's published ones do: `agnews`, `amazon`.

    Raises
    ------
    UserError : no file for this task; a file that is no mapping.
    """
    if file is None:
        ours = files("synthesizrr").joinpath(f"data/attributes_{task.name}.yaml")
        if not ours.is_file():
            raise UserError(f"attrprompt: no attributes of task {task.name}", "--attributes FILE")
        attributes: Attributes = yaml.safe_load(ours.read_text(encoding="utf-8"))
        return attributes
    if not file.exists():
        raise UserError(f"{file}: no such file")
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{file}: a mapping of attributes to values is wanted")
    # AttrPrompt's file: sets by name, each attribute by class.
    sets = {_plain(name): each for name, each in content.items() if isinstance(each, Mapping)}
    nested = len(sets) == len(content) and all(
        isinstance(values, Mapping) for each in sets.values() for values in each.values()
    )
    if not nested:
        return content
    name = _plain({"category": "amazon"}.get(task.name, task.name))
    if name not in sets:
        raise UserError(f"{file}: no attributes of task {task.name}", f"has {', '.join(content)}")
    return sets[name]


def _plain(name: str) -> str:
    """Letters and digits, lower case: files write `sci_tech` for `Sci/Tech`."""
    return "".join(sign for sign in name.lower() if sign.isalnum())
