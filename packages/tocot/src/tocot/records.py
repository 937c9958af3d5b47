"""What comes in, what flows between the stages, what goes out: one JSONL line each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from tenpapers.errors import UserError
from tenpapers.records import Record, first_problem, read_json_lines

AnswerKind = Literal["letter", "text_choice", "number", "math", "text", "short", "judge", "bool3"]
Arm = Literal["direct", "cot"]
ARMS: tuple[Arm, ...] = ("direct", "cot")


class Row(Record):
    """Base of the records: immutable; fields that it does not know are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Choices(Record):
    """Options of an item: a label and a text each, in order."""

    label: tuple[str, ...]
    text: tuple[str, ...]


def _paired(choices: Choices | None) -> Choices | None:
    if choices is not None and len(choices.label) != len(choices.text):
        raise ValueError(f"{len(choices.label)} labels for {len(choices.text)} texts")
    return choices


Options = Annotated[Choices | None, AfterValidator(_paired)]


class PublicItem(Record):
    """What an extractor may know of an item: everything but the answer."""

    id: str
    answer_kind: AnswerKind
    choices: Options = None


class TaskItem(Row):
    """One question of a task.

    Parameters
    ----------
    gold : the right answer: a label for letters, a text else; several where any counts.
    meta : subject, level, type, story, ... as the data set has them.
    """

    id: str
    task: str
    question: str
    context: str | None = None
    choices: Options = None
    answer_kind: AnswerKind
    gold: str | list[str]
    meta: dict[str, Any] = Field(default_factory=dict)

    def public(self) -> PublicItem:
        """The item without its answer."""
        return PublicItem(id=self.id, answer_kind=self.answer_kind, choices=self.choices)

    @property
    def demo_key(self) -> str:
        """What decides on its demonstrations, where not all items have the same ones."""
        return str(self.meta.get("subject", self.meta.get("root", "")))


# Demonstrations of all items, or of each subject (MMLU) or formula (ContextHub).
Demos = Sequence[TaskItem] | Mapping[str, Sequence[TaskItem]]


class Turn(Record):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


class Output(Row):
    """What a model answered in one setting, and how that was graded.

    Parameters
    ----------
    prefill : text that the assistant's turn began with; `response` begins with it too.
    span : of the answer in the response, characters.
    rule : which step of the extraction found it.
    errored : the backend gave no answer; such rows count nowhere.
    """

    id: str
    task: str
    model: str = ""
    setting: str
    messages: list[Turn] = Field(default_factory=list)
    prefill: str = ""
    response: str | None = None
    finish_reason: str = ""
    prompt_tokens: int = 0
    new_tokens: int = 0
    seconds: float = 0.0
    answer: str | None = None
    span: tuple[int, int] | None = None
    rule: str = ""
    correct: bool | None = None
    parsed: bool = False
    errored: bool = False
    choices: Options = None
    answer_kind: AnswerKind | None = None
    gold: str | list[str] | None = None
    question: str = ""
    category: str = ""
    subject: str = ""
    credit: float | None = None

    @property
    def arm(self) -> Arm:
        """Direct answer or chain of thought."""
        return "cot" if self.setting.endswith("cot") else "direct"


class Replay(Row):
    """Both arms of one item, as somebody recorded them."""

    id: str
    source: str
    task: str
    model: str = ""
    shots: str = ""
    category: str = ""
    answer_kind: AnswerKind
    question: str
    choices: Options = None
    gold: str
    direct_response: str | None = None
    cot_response: str | None = None
    logged_direct_pred: str | None = None
    logged_cot_pred: str | None = None
    logged_direct_correct: bool | None = None
    logged_cot_correct: bool | None = None

    def public(self) -> PublicItem:
        """The item without its answer."""
        return PublicItem(id=self.id, answer_kind=self.answer_kind, choices=self.choices)


class Graded(Row):
    """One graded response, as `graded.jsonl` has it.

    Parameters
    ----------
    n_choices : options of the item; a guess among them earns 1 / n_choices.
    eq_question, eq_response, eq_choices : whether "=" occurs in the question, in the chain of
        thought, in the options.
    subject : of the item, where its data set has some.
    position : first character of the answer in the response.
    """

    id: str
    source: str
    task: str
    arm: Arm
    answer: str | None
    parsed: bool
    correct: bool
    model: str = ""
    setting: str = ""
    category: str = ""
    group: str = ""
    rule: str = ""
    n_choices: int | None = None
    position: int | None = None
    new_tokens: int | None = None
    errored: bool = False
    eq_question: bool = False
    eq_response: bool = False
    eq_choices: bool = False
    subject: str = ""
    truncated: bool = False
    credit: float | None = None

    @property
    def cell(self) -> str:
        """Source and task: what a row of the tables is about."""
        return f"{self.source}/{self.task}"


class Extraction(NamedTuple):
    """An answer that was found, where, and by which step; None and "unparseable" otherwise."""

    answer: str | None
    span: tuple[int, int] | None
    rule: str

    @property
    def parsed(self) -> bool:
        """Whether there is an answer."""
        return self.answer is not None


RowT = TypeVar("RowT", bound=BaseModel)


def read_rows(path: Path, kind: type[RowT], limit: int | None = None) -> list[RowT]:
    """Read a file of one record type.

    Raises
    ------
    UserError : what `read_json_lines` raises, a field that does not fit, no record.
    """
    adapter = TypeAdapter(kind)
    rows: list[RowT] = []
    for number, value in read_json_lines(path):
        if limit is not None and len(rows) >= limit:
            break
        try:
            rows.append(adapter.validate_python(value))
        except ValidationError as error:
            raise UserError(f"{path}:{number}: {first_problem(error)}") from None
    if not rows:
        raise UserError(f"{path}: no records in it")
    return rows


def jsonl_files(paths: Sequence[Path]) -> list[Path]:
    """Files, and those in folders (`*.jsonl`, `*.jsonl.gz`), by name.

    Raises
    ------
    UserError : nothing there.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")])
            if not inside:
                raise UserError(f"{path}: no *.jsonl in it")
            found += inside
        else:
            found.append(path)
    return found
