"""What comes in, what flows between the stages, what goes out; unknown fields pass through."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from tenpapers.errors import UserError

# Both ends of a piece of text in characters, the second one exclusive.
Offsets = tuple[int, int]
# What a critic says of a sentence; `unparsed` when no span could be read from its words.
Verdict = Literal["error", "no_error", "unparsed"]
Recipe = Literal["direct", "feed_refine", "detect_refine", "dcr"]

# What names a thing; whole numbers are taken too.
Name = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)
]

# Labels of FaithBench that say that a remark is about no error.
NO_ERRORS = frozenset({"Benign", "Questionable"})


class EmptyResponseError(UserError):
    """A response without a character in it: there is nothing to refine."""


class Row(BaseModel):
    """Base of a row of a file: immutable; fields of the user's own come back in the output."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


class GoldError(Row):
    """An error of a response, as a person or a perturbation put it down.

    Parameters
    ----------
    start, end : of the span in the response, in characters.
    label : kind of the error; a file may call it `type`.
    explanation : why it is one; a file may call it `note`.
    fix : what should stand there; an empty text where it should go.
    """

    sentence_idx: int | None = None
    start: int | None = None
    end: int | None = None
    span: str | None = None
    label: str | Sequence[str] = Field(
        default="", validation_alias=AliasChoices("label", "type", "labels")
    )
    explanation: str = Field(default="", validation_alias=AliasChoices("explanation", "note"))
    fix: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether it says that something is wrong; of FaithBench only "Unwanted" does."""
        labels = [self.label] if isinstance(self.label, str) else self.label
        return any(label not in NO_ERRORS for label in labels)


class Instance(Row):
    """A document and a response that should say nothing that the document does not support.

    Parameters
    ----------
    instruction : what the response answers, where that is not a summary on a topic.
    topic : what the summary should be about.
    """

    id: Name
    document: str
    response: str
    instruction: str | None = None
    topic: str | None = None
    reference: str | None = None
    gold: Sequence[GoldError] = ()


class Detected(Instance):
    """A response whose sentences were held against the document.

    Parameters
    ----------
    offsets : of each sentence in the response, in characters.
    support_prob : P(the document supports the sentence), one a sentence; none where the recipe does
        not detect.
    labels : 1 where it is supported; as above.
    response_ok : whether every sentence is.
    detector : the spec of what told so.
    error : why a detector gave no answer; there are no probabilities and no labels then, nothing of
        the row is refined, and the next run asks again.
    """

    sentences: Sequence[str]
    offsets: Sequence[Offsets]
    support_prob: Sequence[float]
    labels: Sequence[Literal[0, 1]]
    response_ok: bool
    detector: str
    error: str = ""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        """A sentence that is flagged in another's place would be edited in its place."""
        for name in ("offsets", "support_prob", "labels"):
            count = len(getattr(self, name))
            unknown = name != "offsets" and count == 0  # where nobody detected
            if count != len(self.sentences) and not unknown:
                raise ValueError(f"{name} has {count} entries, sentences {len(self.sentences)}")
        return self


class Critique(Row):
    """What a critic says of one sentence.

    Parameters
    ----------
    raw : the critic's words.
    span : the words that are wrong, None where none could be read.
    span_offset : of the span in the response, in characters.
    fix : what should stand there; an empty text: it should go; None: nothing was said.
    finish_reason : how the critic's words ended: `stop`, `length` (cut), `refused`, `filtered`, or
        `error: words` where none came.
    """

    sentence_idx: int
    sentence: str
    raw: str
    reasoning: str = ""
    span: str | None = None
    span_offset: Offsets | None = None
    fix: str | None = None
    verdict: Verdict
    finish_reason: str = "stop"


# The sentence index of a critique of the whole response.
WHOLE_RESPONSE = -1


class Critiqued(Detected):
    """A response and what is wrong with its sentences.

    Parameters
    ----------
    recipe : `feed_refine` where all sentences were shown to the critic, not only flagged ones.
    calls : requests to language models so far.
    timings : seconds of each stage so far; of a batch each row has its share.
    """

    critiques: Sequence[Critique] = ()
    recipe: Recipe = "dcr"
    calls: int = 0
    timings: dict[str, float] = Field(default_factory=dict)


class Refined(Critiqued):
    """A response and what became of it.

    Parameters
    ----------
    feedback : the numbered critiques, as the refiner read them.
    samples : refinements that were drawn, after they were cleaned.
    refined_raw : the words of the refiner of which `refined` was made.
    refined : the text in the end; the response itself where a refinement was rejected.
    rejected : whether one was, for it was empty or of another length altogether.
    rejection : why: `empty`, `length`, `truncated`, `refused`, `filtered`, `no critique`.
    cleaned : whether words around the refinement were cut off, such as "Here it is:".
    """

    feedback: str = ""
    samples: Sequence[str] = ()
    refined_raw: str = ""
    refined: str
    changed: bool
    rejected: bool = False
    rejection: str = ""
    cleaned: bool = False
    recipe: Recipe


class Revised(Instance):
    """A response and another text in its place, whoever wrote it: all that metrics need.

    Parameters
    ----------
    recipe, detector : how it was made; "" where nobody says.
    """

    refined: str
    rejected: bool = False
    rejection: str = ""
    recipe: str = ""
    detector: str = ""
    critiques: Sequence[Critique] = ()
    calls: int = 0
    timings: dict[str, float] = Field(default_factory=dict)
