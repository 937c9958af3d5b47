"""What a critic is asked, and what every critic offers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal, Protocol, TypeVar

import typer
from tenpapers.cli import Cache, PromptsFolder, Seed

from ..records import Critique, Detected, Instance, Offsets

# `without_correct` takes it as given that the sentence has an error (DCR); `with_correct` lets the
# critic say that it has none (Feed+Refine).
Variant = Literal["without_correct", "with_correct"]
# What a critique consists of; the paper's ablation leaves out the fix, then the reasoning.
Parts = Literal["span", "span,reason", "span,reason,fix"]
CritiqueParts = Annotated[
    Parts, typer.Option("--critique-parts", help="What a critique consists of.")
]
MaxNewTokens = Annotated[
    int, typer.Option("--max-new-tokens", help="Of one reply, at most.", min=1)
]
# How the task of a response is told; `auto` goes by what the instance has.
Style = Literal["auto", "tofueval", "ultrachat"]
# What becomes of a document that is longer than --document-words.
LongDocuments = Literal["error", "chunk-retrieve", "truncate"]

# Of a critique or a refinement, as in the paper's code.
MAX_NEW_TOKENS = 2048


@dataclass(frozen=True, kw_only=True)
class Showing:
    """How a document and its task are shown to a language model.

    Parameters
    ----------
    document_words : longest document that is shown; None leaves that to the model's context.
    """

    style: Annotated[
        Style, typer.Option("--style", help="How the task is told; auto: by the fields there are.")
    ] = "auto"
    long_documents: Annotated[
        LongDocuments,
        typer.Option("--long-documents", help="What becomes of one over --document-words."),
    ] = "error"
    document_words: Annotated[
        int | None,
        typer.Option("--document-words", help="Longest document that a model is shown.", min=1),
    ] = None
    prompts: PromptsFolder = None


@dataclass(frozen=True, kw_only=True)
class Asking(Showing):
    """How a language model is asked about documents."""

    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS
    seed: Seed = 42
    cache: Cache = True


@dataclass(frozen=True, kw_only=True)
class CriticOptions(Asking):
    """How a critic is asked."""

    variant: Variant = "without_correct"
    parts: CritiqueParts = "span,reason,fix"

    def with_variant(self, variant: Variant) -> "CriticOptions":
        """The same, of the other variant."""
        return replace(self, variant=variant)


@dataclass(frozen=True)
class CritiqueRequest:
    """One sentence of a response, to be criticised.

    Parameters
    ----------
    instance : with document, task and response.
    sentence_idx : of the sentence in the response.
    offsets : of the sentence in the response, in characters.
    """

    instance: Instance
    sentence_idx: int
    sentence: str
    offsets: Offsets
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.instance.id}|critique|{self.sentence_idx}")


def requests_of(detected: Detected, *, all_sentences: bool = False) -> list[CritiqueRequest]:
    """What is asked about a response: its flagged sentences, or all of them."""
    return [
        CritiqueRequest(detected, index, sentence, detected.offsets[index])
        for index, sentence in enumerate(detected.sentences)
        if all_sentences or not detected.labels[index]
    ]


ShowingT = TypeVar("ShowingT", bound=Showing)


def options_of(kind: type[ShowingT], settings: Showing, **more: Any) -> ShowingT:
    """What a command's settings say of how a model is asked."""
    names = [one.name for one in fields(kind) if hasattr(settings, one.name)]
    return kind(**({name: getattr(settings, name) for name in names} | more))


class Critic(Protocol):
    """Says what is wrong with sentences.

    Parameters
    ----------
    identity : what its words depend on, for journals.
    whole_response : whether it is asked once a response, about all of it.
    asks_model : whether its requests go to a language model and are counted as calls.
    """

    name: str
    identity: object
    whole_response: bool
    asks_model: bool

    def stream(
        self, items: Sequence[CritiqueRequest], *, progress: str | None = None
    ) -> Iterator[tuple[CritiqueRequest, Critique]]:
        """Critiques as they are done, in any order; each request exactly once."""
        ...

    def critique(self, items: Sequence[CritiqueRequest]) -> list[Critique]:
        """Critiques in the order of the requests."""
        ...

    def close(self) -> None:
        """Free what is held."""
        ...


def in_order(
    items: Sequence[CritiqueRequest], done: Iterator[tuple[CritiqueRequest, Critique]]
) -> list[Critique]:
    """Critiques in the order of their requests."""
    found = {request.id: critique for request, critique in done}
    return [found[item.id] for item in items]


def has_failed(critique: Critique) -> bool:
    """Whether no words came back at all, so that it is worth asking again."""
    return critique.finish_reason.startswith("error")


def is_withheld(critique: Critique) -> bool:
    """Whether the critic declined, or its words were held back: no critique, and no error of it."""
    return critique.finish_reason in ("refused", "filtered")
