"""What comes in, what flows between the stages, what goes out: one JSONL line each."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from tenpapers.errors import UserError
from tenpapers.records import Record, first_problem, read_json_lines

AnswerKind = Literal["letter", "text_choice", "number", "math", "text", "short", "judge", "bool3"]
Arm = Literal["direct", "cot"]
ARMS: tuple[Arm, ...] = ("direct", "cot")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _as_text(value: object) -> object:
    """Ids, labels and answers are texts, whatever a file writes: 7, 0.5, true."""
    return str(value) if isinstance(value, int | float) else value


def _as_texts(value: object) -> object:
    return [_as_text(one) for one in value] if isinstance(value, list | tuple) else _as_text(value)


Text = Annotated[str, BeforeValidator(_as_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
Gold = Annotated[str | list[str], BeforeValidator(_as_texts)]

_FORMS = {"": "", "zs": "zs_", "zeroshot": "zs_", "0shot": "zs_", "fs": "fs_", "fewshot": "fs_"}
_ARM_NAMES = {"direct": "direct", "da": "direct", "cot": "cot", "chainofthought": "cot"}
_PLANS = {"plandirect": "plan_direct", "plancot": "plan_cot", "plantool": "plan_tool"}


def setting_name(text: str) -> str:
    """A setting as we write it: "zs_CoT", "zero-shot cot", "5-shot direct", "direct", "plan_tool".

    Raises
    ------
    ValueError : any other; nobody could tell its arm.
    """
    plain = re.sub(r"[\W_]+", "", text.lower())
    if plain in _PLANS:
        return _PLANS[plain]
    for name, arm in _ARM_NAMES.items():
        form = re.sub(r"^0*[1-9]\d*shot$", "fs", plain.removesuffix(name))
        if plain.endswith(name) and form in _FORMS:
            return f"{_FORMS[form]}{arm}"
    raise ValueError(f"{text!r} is no setting: zs_direct, zs_cot, fs_direct, fs_cot, direct, cot")


Setting = Annotated[str, AfterValidator(setting_name)]


class Row(Record):
    """Base of the records: immutable; fields that it does not know are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Choices(Record):
    """Options of an item: a label and a text each, in order."""

    label: Texts
    text: Texts


def _written_options(value: object) -> object:
    """Options as people write them: a list of texts or of labelled ones, texts by their labels."""
    if isinstance(value, dict) and not {"label", "text"} & value.keys():
        return {"label": list(value), "text": list(value.values())}
    if isinstance(value, list | tuple):
        labelled = [one for one in value if isinstance(one, dict)]
        if labelled and len(labelled) == len(value):
            return {name: [one.get(name) for one in value] for name in ("label", "text")}
        return {"label": list(LETTERS[: len(value)]), "text": value} if value else None
    return value


def _paired(choices: Choices | None) -> Choices | None:
    if choices is not None and len(choices.label) != len(choices.text):
        raise ValueError(f"{len(choices.label)} labels for {len(choices.text)} texts")
    return choices


Options = Annotated[Choices | None, BeforeValidator(_written_options), AfterValidator(_paired)]


def _labelled(gold: object, choices: object) -> object:
    """The label of a gold answer that is a bracketed label, an option's text, or its index."""
    options = choices if isinstance(choices, Choices) else _written_options(choices)
    if isinstance(options, dict):
        labels, texts = options.get("label"), options.get("text")
    else:
        labels, texts = getattr(options, "label", ()), getattr(options, "text", ())
    labels, texts = ([str(one) for one in part or ()] for part in (labels, texts))
    if isinstance(gold, int) and str(gold) not in labels:
        return labels[gold] if not isinstance(gold, bool) and 0 <= gold < len(labels) else gold
    if not isinstance(gold, str) or gold in labels or len(labels) != len(texts):
        return gold
    bare = gold.strip("()[]. ").casefold()
    wanted = [label for label in labels if label.casefold() == bare] or [
        label for label, text in zip(labels, texts, strict=True) if text.strip() == gold.strip()
    ]
    return wanted[0] if len(wanted) == 1 else gold


class Asked(Row):
    """A question with its gold answer, which is a label where the options have some."""

    @model_validator(mode="before")
    @classmethod
    def _gold_is_a_label(cls, values: object) -> object:
        if not isinstance(values, dict) or values.get("answer_kind") not in (None, "letter"):
            return values
        if values.get("gold") is None or values.get("choices") is None:
            return values
        return values | {"gold": _labelled(values["gold"], values["choices"])}


class PublicItem(Record):
    """What an extractor may know of an item: everything but the answer."""

    id: Text
    answer_kind: AnswerKind
    choices: Options = None


class TaskItem(Asked):
    """One question of a task.

    Parameters
    ----------
    gold : the right answer: a label for letters, a text else; several where any counts.
    meta : subject, level, type, story, ... as the data set has them.
    """

    id: Text
    task: str
    question: str
    context: str | None = None
    choices: Options = None
    answer_kind: AnswerKind
    gold: Gold
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


class Output(Asked):
    """What a model answered in one setting, and how that was graded.

    Parameters
    ----------
    prefill : text that the assistant's turn began with; `response` begins with it too.
    span : of the answer in the response, characters.
    rule : which step of the extraction found it.
    correct : also read as `is_correct`.
    judged : what a judge said of an answer that strings did not find right.
    errored : the backend or the judge gave no answer; such rows count nowhere.
    group : one of the paper's five, of a task that is not ours.
    """

    id: Text
    task: str
    model: str = ""
    setting: Setting
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
    correct: bool | None = Field(
        default=None, validation_alias=AliasChoices("correct", "is_correct")
    )
    judged: bool | None = None
    parsed: bool = False
    errored: bool = False
    choices: Options = None
    answer_kind: AnswerKind | None = None
    gold: Gold | None = None
    question: str = ""
    category: str = ""
    group: str = ""
    subject: str = ""
    credit: float | None = None

    @property
    def arm(self) -> Arm:
        """Direct answer or chain of thought."""
        return "cot" if self.setting.endswith("cot") else "direct"


class Replay(Asked):
    """Both arms of one item, as somebody recorded them."""

    id: Text
    source: str
    task: str
    model: str = ""
    shots: str = ""
    category: str = ""
    group: str = ""
    answer_kind: AnswerKind
    question: str
    choices: Options = None
    gold: Text
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
    truncated : the response reached its budget of tokens; refused : the model declined, or its
        provider held the response back. Both are counted apart.
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
    refused: bool = False
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
