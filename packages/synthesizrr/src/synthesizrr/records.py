"""What comes in, what flows between the stages, what goes out: one JSONL line each.

Fields that a record does not know are kept and handed on.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from tenpapers.errors import UserError
from tenpapers.records import Record, first_problem, read_json_lines

Metric = Literal["cosine", "bm25", "random"]


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


Filled = Annotated[str, AfterValidator(_filled)]


def as_name(value: object) -> object:
    """An id or a label as a string: 0 is "0", and true is "true", as YAML and JSON write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


Name = Annotated[str, BeforeValidator(as_name)]


class Row(Record):
    """Base of the records: immutable, unknown fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def unknown(self) -> dict[str, Any]:
        """Fields that this kind of record does not know."""
        return dict(self.model_extra or {})


class Labelled(Protocol):
    """Anything with a text and a label."""

    @property
    def text(self) -> str: ...  # noqa: D102

    @property
    def label(self) -> str: ...  # noqa: D102


class TextRow(Row):
    """Anything with a text, and a label where there is one."""

    text: str
    label: Name | None = None


class Example(Row):
    """A labelled text: a seed, a training row, a test row."""

    id: Name
    text: Filled
    label: Name


class Document(Row):
    """One unlabelled text of a corpus."""

    id: Name
    text: str
    title: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)


class Result(Row):
    """One document that a seed fetched; ranks begin at 1."""

    rank: int = Field(ge=1)
    doc_id: Name
    score: float
    metric: Metric
    text: str


class Retrieved(Row):
    """A seed with the documents that it fetched, best first."""

    seed_id: Name
    text: Filled
    label: Name
    results: list[Result]


class IclRow(Row):
    """A demonstration: a seed's text, with the document beside it that fits it (RetrICL)."""

    id: Name
    label: Name
    example_text: str
    context: str | None = None
    seed_id: Name
    rank: int | None = None
    score: float | None = None
    doc_id: Name | None = None


class InputRow(Row):
    """A document that the teacher is to turn into a text of the label."""

    id: Name
    label: Name
    context: str | None = None
    seed_id: Name | None = None
    rank: int | None = None
    score: float | None = None
    doc_id: Name | None = None


class Generation(InputRow):
    """What the teacher wrote, and all that determined it.

    Parameters
    ----------
    icl_sha256 : of each demonstration's text, see `text_digest`: an answer that copies one is told.
    """

    prompt_sha256: str
    icl_ids: list[str]
    icl_sha256: list[str] = Field(default_factory=list)
    shots_used: int
    generation: str
    finish_reason: str
    model: str
    temperature: float
    top_p: float
    seed: int


class Synthetic(Row):
    """A labelled text of the synthetic set, with where it is from."""

    id: Name
    text: str
    label: Name
    seed_id: Name | None = None
    doc_id: Name | None = None
    rank: int | None = None
    score: float | None = None
    context: str | None = None
    icl_ids: list[str] = Field(default_factory=list)


class CartographyRow(Row):
    """A row's place on the data map (Swayamdipta et al.): see `cartography`."""

    id: Name
    label: Name
    confidence: float
    variability: float
    correctness: float
    probs: list[float]
    kept: bool = True


RowT = TypeVar("RowT", bound=Row)


def read_rows(
    path: Path, kind: type[RowT], *, labels: Sequence[str] | None = None, limit: int | None = None
) -> list[RowT]:
    """Read a file of one record type; ids (or seed ids) must differ.

    Parameters
    ----------
    labels : what a label may be; None allows any.
    limit : only the first rows.

    A row without an id is named by its line. Labels and ids may be numbers.

    Raises
    ------
    UserError : what `read_jsonl` raises, an id that repeats, an unknown label, no row.
    """
    adapter = TypeAdapter(kind)
    rows: list[RowT] = []
    lines: dict[str, int] = {}
    for number, value in read_json_lines(path):
        if limit is not None and len(rows) >= limit:
            break
        if "id" in kind.model_fields and isinstance(value, dict) and value.get("id") is None:
            value = value | {"id": f"row-{number}"}
        try:
            row = adapter.validate_python(value)
        except ValidationError as error:
            raise UserError(f"{path}:{number}: {first_problem(error)}", _there(value)) from None
        name = getattr(row, "id", None) or getattr(row, "seed_id", None)
        if name is not None and kind is not TextRow:
            if name in lines:
                raise UserError(f"{path}:{number}: id {name!r} repeats (line {lines[name]})")
            lines[name] = number
        label = getattr(row, "label", None)
        if labels is not None and label not in labels:
            known = ", ".join(labels)
            raise UserError(f"{path}:{number}: label {label!r} is not in the task", f"has {known}")
        rows.append(row)
    if not rows:
        raise UserError(f"{path}: no records in it")
    return rows


def _there(value: object) -> str:
    """What a row has, for whoever has to rename a field of it."""
    return f"it has {', '.join(value)}: rename one" if isinstance(value, dict) and value else ""


def text_digest(text: str) -> str:
    """Hash of a text in which blanks and case do not count, 16 hexadecimal digits (of sha256)."""
    return hashlib.sha256(" ".join(text.lower().split()).encode()).hexdigest()[:16]
