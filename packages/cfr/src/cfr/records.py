"""What comes in, what flows between the stages, what goes out; unknown fields pass through."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

ClaimId = int | str
Signal = Literal["gold", "distill", "lerc"]
# Relevant, not relevant, or not judged.
Relevance = Literal[1, 0] | None


# What names a thing; whole numbers are taken too.
Name = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)
]


class Row(BaseModel):
    """Base of a row of a file: immutable; fields of the user's own come back in the output.

    A field that may be missing may also be null, as tables write what they do not have.
    """

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_missing(cls, row: Any) -> Any:
        if not isinstance(row, Mapping) or None not in row.values():
            return row
        # A null that is a value of its field stays: what is written says it too.
        optional = {
            name
            for name, field in cls.model_fields.items()
            if not field.is_required() and field.default is not None
        }
        return {
            name: value for name, value in row.items() if value is not None or name not in optional
        }


class Page(Row):
    """A web page.

    Parameters
    ----------
    date : of its publication, ISO 8601; None where it is not known.
    """

    url: str
    title: str = ""
    text: str
    date: str | None = None


class Passage(Row):
    """A window of a page.

    Parameters
    ----------
    pid : its name; a file may call it `id` or `_id`.
    start, end : of the window in the page, in words.
    pseudo : whether it is the text of an answer that stands in for a lost page.
    """

    pid: Name = Field(validation_alias=AliasChoices("pid", "id", "_id"))
    url: str = ""
    title: str = ""
    text: str
    start: int = 0
    end: int = 0
    pseudo: bool = False

    @property
    def document(self) -> str:
        """What encoders and models read: title and text, joined by one space."""
        return f"{self.title} {self.text}".strip()


class Answer(Row):
    """A person's answer to a subquestion; a text alone is one too.

    Parameters
    ----------
    answer_type : Extractive, Abstractive, Boolean or Unanswerable.
    boolean_explanation : why a Boolean answer is yes or no.
    """

    answer: str
    answer_type: str = ""
    boolean_explanation: str | None = None
    source_url: str | None = None
    cached_source_url: str | None = None
    source_medium: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, row: Any) -> Any:
        return {"answer": row} if isinstance(row, str) else row

    @property
    def joined(self) -> str:
        """The answer, a Boolean one with its explanation: `answer. explanation`."""
        if self.answer_type != "Boolean" or not self.boolean_explanation:
            return self.answer
        return f"{self.answer.rstrip().removesuffix('.')}. {self.boolean_explanation}"


class Question(Row):
    """A subquestion of a claim, with people's answers; a text alone is one without answers."""

    question: str
    answers: Sequence[Answer] = ()

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, row: Any) -> Any:
        return {"question": row} if isinstance(row, str) else row


class Claim(Row):
    """A claim of AVeriTeC's form."""

    claim_id: ClaimId
    claim: str
    date: str | None = Field(default=None, validation_alias=AliasChoices("date", "claim_date"))
    speaker: str | None = None
    label: str | None = None
    questions: Sequence[Question] = ()
    fact_checking_article: str | None = None


class Query(Row):
    """A claim and one of its subquestions, with the right answers.

    Parameters
    ----------
    qid : `{claim_id}:{number of the subquestion}`.
    question : may be empty: then the claim alone is asked.
    """

    qid: Name
    claim: str
    question: str = ""
    answers: Sequence[str] = ()


class Candidates(Query):
    """A query and the passages that the first stage found, best first."""

    passages: Sequence[Passage] = ()


class Pool(Candidates):
    """A query with a pool of passages of which it is known which ones answer it.

    Parameters
    ----------
    relevant : `pid` of those that do.
    """

    relevant: Sequence[str] = ()


class Judgement(Row):
    """What a signal says of one passage.

    Parameters
    ----------
    score : of the signal's own scale; None where there is none.
    rel : 1 relevant, 0 not, None neither.
    """

    pid: Name
    score: float | None = None
    rel: Relevance = None


class Labels(Row):
    """What one signal says of a query's passages.

    Parameters
    ----------
    passages : that the signal brought along, such as answers that stand in for lost pages.
    skipped : why there are no judgements.
    error : words of a request to a model that got no answer.
    """

    qid: Name
    signal: Signal
    judgements: Sequence[Judgement] = ()
    passages: Sequence[Passage] = ()
    skipped: str = ""
    error: str = ""

    def row(self) -> dict[str, Any]:
        """As it is written: what is empty and no label is left out."""
        plain = self.model_dump(mode="json")
        optional = ("passages", "skipped", "error")
        return {name: value for name, value in plain.items() if value or name not in optional}


class Training(Row):
    """A query with its positives and negatives, and the signals that named each positive."""

    qid: Name
    claim: str
    question: str = ""
    positives: Sequence[Passage] = ()
    negatives: Sequence[Passage] = ()
    signals: Mapping[str, Sequence[Signal]] = Field(default_factory=dict)


class Result(Row):
    """A passage in a ranking; `rank` counts from 1."""

    pid: Name
    score: float
    rank: int


class Ranked(Row):
    """A query's ranking, best first."""

    qid: Name
    results: Sequence[Result] = ()


class ReadAnswer(Row):
    """A reader's answer to a subquestion from some passages.

    Parameters
    ----------
    pids : of the passages that it read.
    answered : False where the reader said that they do not answer.
    """

    qid: Name
    answer: str
    pids: Sequence[str] = ()
    answered: bool = True


class Evidence(Row):
    """A subquestion, its answer and where that is from."""

    question: str
    answer: str = ""
    url: str | None = None


class Verdict(Row):
    """A judge's verdict on a claim.

    Parameters
    ----------
    raw : the judge's words.
    parse_failed : whether they held no label; `pred_label` is the neutral one then.
    """

    claim_id: ClaimId
    pred_label: str
    evidence: Sequence[Evidence] = ()
    raw: str = ""
    parse_failed: bool = False
