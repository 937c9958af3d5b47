"""What a refiner is asked, and what every refiner offers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import typer

from ..critique.critic import Asking
from ..records import Critique, Instance

# What a refiner is told: the feedback; that there may be errors (Direct); that there are some
# (Detect+Refine).
Told = Literal["feedback", "direct", "detected"]


@dataclass(frozen=True, kw_only=True)
class RefinerOptions(Asking):
    """How a refiner is asked.

    Temperature and top-p are those that Llama's chat models ship with: the paper's code samples
    with a model's defaults.
    """

    temperature: Annotated[
        float, typer.Option("--temperature", help="Of the refiner; 0 is greedy.", min=0)
    ] = 0.6
    top_p: Annotated[float, typer.Option("--top-p", help="Of the refiner.", max=1)] = 0.9
    clean: Annotated[
        bool,
        typer.Option("--clean/--as-it-is", help="Cut off what stands around a refinement."),
    ] = True


@dataclass(frozen=True)
class RefineRequest:
    """A response to be refined.

    Parameters
    ----------
    instance : with document, task and response.
    feedback : the numbered critiques; "" where the recipe has none.
    critiques : the same, for refiners that edit spans.
    """

    instance: Instance
    told: Told = "feedback"
    feedback: str = ""
    critiques: Sequence[Critique] = ()
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.instance.id}|refine")


@dataclass(frozen=True)
class RefineResult:
    """What a refiner made of a response; see `records.Refined`.

    Parameters
    ----------
    text : the response itself where its refinement was rejected, or where none came.
    raw : the words of which `text` was made.
    error : words of a request that got no answer and is worth asking again; "" for none.
    calls : requests to a language model.
    """

    text: str
    raw: str
    samples: Sequence[str]
    rejection: str = ""
    cleaned: bool = False
    error: str = ""
    calls: int = 0

    @property
    def rejected(self) -> bool:
        """Whether a refinement came and could not be taken."""
        return bool(self.rejection)


class Refiner(Protocol):
    """Edits responses.

    Parameters
    ----------
    identity : what its edits depend on, for journals.
    told : what it can be told; a refiner of spans needs critiques.
    """

    name: str
    identity: object
    told: Sequence[Told]

    def stream(
        self, items: Sequence[RefineRequest], samples: int = 1, *, progress: str | None = None
    ) -> Iterator[tuple[RefineRequest, RefineResult]]:
        """Results as they are done, in any order; each request exactly once."""
        ...

    def refine(self, items: Sequence[RefineRequest], samples: int = 1) -> list[RefineResult]:
        """Results in the order of the requests."""
        ...

    def close(self) -> None:
        """Free what is held."""
        ...


def in_order(
    items: Sequence[RefineRequest], done: Iterator[tuple[RefineRequest, RefineResult]]
) -> list[RefineResult]:
    """Results in the order of their requests."""
    found = {request.id: result for request, result in done}
    return [found[item.id] for item in items]
