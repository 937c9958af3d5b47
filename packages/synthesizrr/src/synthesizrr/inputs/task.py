"""A task: its labels, what they mean, and how the teacher is asked. One YAML file each."""

from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, TemplateError
from pydantic import Field, field_validator
from tenpapers.errors import UserError
from tenpapers.records import Record
from tenpapers.settings import load_config

# First words of an instruction by which its repetition in a generation is recognised: fewer
# ("Write a ...") begin many a text that is none.
OPENING_WORDS = 5
_TASKS = files("synthesizrr").joinpath("data", "tasks")


class Task(Record):
    """A text classification task and its task inversion of SynthesizRR.

    Parameters
    ----------
    name : of the task.
    labels : each label's verbaliser, the phrase that stands for it in prompts.
    document_header : line above a document.
    answer_prefix : line or words before the answer.
    answer_on_own_line : whether the answer begins on the line after its prefix.
    instruction : Jinja text below a document; `{{ label }}` is the verbaliser.
    fewgen_instruction : Jinja text where there is no document.
    refusals : what a refusal says, lower case and without punctuation.
    max_new_tokens : of an answer.
    seeds_per_class, rows_per_class, train_rows : sizes of the paper: seeds, prompts a class, rows
        of the final training set.
    corpus : which corpus the paper pairs it with.
    """

    name: str
    labels: dict[str, str] = Field(min_length=1)
    document_header: str
    answer_prefix: str
    answer_on_own_line: bool = False
    instruction: str
    fewgen_instruction: str
    refusals: list[str] = Field(default_factory=list)
    max_new_tokens: int = Field(default=200, ge=1)
    seeds_per_class: int = Field(default=50, ge=1)
    rows_per_class: int = Field(default=1000, ge=1)
    train_rows: int = Field(default=8000, ge=1)
    corpus: str = ""

    @field_validator("labels", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        # YAML reads true and false as what they are; a label is a string.
        if not isinstance(value, dict):
            return value
        return {
            str(key).lower() if isinstance(key, bool) else str(key): v for key, v in value.items()
        }

    @field_validator("document_header", "answer_prefix")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value.strip()

    def verbalizer(self, label: str) -> str:
        """The phrase of a label.

        Raises
        ------
        UserError : the task has no such label.
        """
        if label not in self.labels:
            raise UserError(
                f"task {self.name}: label {label!r} has no verbalizer",
                f"has {', '.join(self.labels)}",
            )
        return self.labels[label]

    def ask(self, label: str, *, document: bool) -> str:
        """The instruction of a label, below a document or without one.

        Raises
        ------
        UserError : unknown label, a template that is not Jinja or names something unknown.
        """
        template = self.instruction if document else self.fewgen_instruction
        return _rendered(template, self.verbalizer(label), self.name)

    def openings(self, label: str) -> list[str]:
        """First words of a label's instructions, by which a repetition is known.

        An instruction of fewer words is not told from a text that begins like it.
        """
        asked = [self.ask(label, document=document).split() for document in (True, False)]
        return [" ".join(words[:OPENING_WORDS]) for words in asked if len(words) >= OPENING_WORDS]


@cache
def _rendered(template: str, label: str, task: str) -> str:
    try:
        filled = Environment(undefined=StrictUndefined).from_string(template).render(label=label)
    except TemplateError as error:
        raise UserError(f"task {task}: instruction: {error}", "`{{ label }}` is known") from None
    return " ".join(filled.split())


def task_names() -> list[str]:
    """Names of the tasks that ship with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _TASKS.iterdir())


def load_task(name: str) -> Task:
    """A task of the package by its name, or a user's own by its YAML file.

    Raises
    ------
    UserError : neither; a file with an unknown or missing field.
    """
    if name in task_names():
        with as_file(_TASKS.joinpath(f"{name}.yaml")) as shipped:
            return load_config(Task, shipped)
    if Path(name).suffix in (".yaml", ".yml"):
        return load_config(Task, Path(name))
    raise UserError(f"task {name}: unknown", f"a YAML file, or {', '.join(task_names())}")
