"""Rows that grow from stage to stage; each file holds all that the one before has."""

from collections.abc import Sequence
from typing import Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from ..records import Detected, Instance, Name, Row

# TofuEval's types of errors, in the order in which a teacher is shown them.
ERROR_TYPES = {
    "Mis-Referencing": "something is said of the wrong person, place, thing or time",
    "Stating Opinion as Fact": "what somebody believes or proposes is told as if it were so",
    "Reasoning Error": "a conclusion that does not follow from the document",
    "Tense/Modality Error": "what is planned, possible or past is told as something else",
    "Extrinsic Information": "something that the document does not have",
    "Contradiction": "the document says the opposite",
    "Nuanced Meaning Shift": "the words come close, and mean something else",
}


class Source(Row):
    """A document to which a response is to be written.

    Parameters
    ----------
    document : an instruction that holds its own text stands for both.
    dataset : `ultrachat` or the like; where it is not given the fields tell.
    """

    id: Name
    document: str = Field(
        default="", validation_alias=AliasChoices("document", "source_doc", "source")
    )
    instruction: str | None = None
    topic: str | None = None
    dataset: str = ""

    @model_validator(mode="after")
    def _has_a_document(self) -> Self:
        if not self.document.strip():
            if not (self.instruction or "").strip():
                raise ValueError("a document, or an instruction that holds one, is wanted")
            object.__setattr__(self, "document", self.instruction)
        return self


def is_ultrachat(row: Source | Instance) -> bool:
    """Whether a response answers an instruction, rather than summing up what is said on a topic."""
    dataset = str(getattr(row, "dataset", "") or "")
    if dataset:
        return dataset.lower().startswith("ultrachat")
    return row.instruction is not None and not row.topic


class Initial(Instance):
    """A response as a model wrote it.

    Parameters
    ----------
    draws : how many were drawn until one was taken.
    dropped : why it is no use for training: `empty`, `degenerate`, `truncated`, `refused`,
        `filtered`; "" where it is of use.
    """

    dataset: str = ""
    draws: int = 1
    dropped: str = ""


class Labelled(Detected):
    """A response whose sentences were held against the document.

    Parameters
    ----------
    sentences : without those that are filler; places, probabilities and labels are theirs.
    all_sentences : with them.
    sent_wise_labels, summary_factual : `labels` and `response_ok` by their names in the paper's
        files.
    """

    dataset: str = ""
    all_sentences: Sequence[str] = ()
    sent_wise_labels: Sequence[int] = ()
    summary_factual: bool = False


class TeacherError(BaseModel):
    """An error that a teacher found.

    Parameters
    ----------
    span : the words of the response that are wrong.
    feedback : why, and how to mend it.
    fix : what should stand there; "" where the span is to go.
    """

    model_config = ConfigDict(frozen=True)

    span: str
    type: str = ""
    feedback: str
    fix: str = ""


class Taught(Labelled):
    """A response with the errors that a teacher found in it; none of a factual one.

    Parameters
    ----------
    teacher_raw : its last words.
    teacher_attempts : how often it was asked.
    teacher_unparsed : whether no errors could be read in any of its replies.
    """

    teacher_errors: Sequence[TeacherError] = ()
    teacher_raw: str = ""
    teacher_attempts: int = 0
    teacher_unparsed: bool = False
    teacher_finish_reason: str = ""


class Revised(Taught):
    """A response with a teacher's refinement of it.

    Parameters
    ----------
    refinement : None of a factual response, and where what came cannot stand in for it.
    refinement_rejection : why; see `records.Refined`.
    """

    refinement: str | None = None
    refinement_raw: str = ""
    refinement_rejection: str = ""
