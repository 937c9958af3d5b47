"""From documents and a query to the prompt, with the place of every needle.

Places are recorded while the string is put together, never searched for afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tenpapers.errors import UserError
from tenpapers.templates import fill

from ..records import Document, Example, Needle, Role

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PACKAGE = "retrievalheads"
# Stand-ins for a document's number and text while its template is filled (private use area).
_NUMBER, _TEXT = "\ue000", "\ue001"


@dataclass(frozen=True)
class Span:
    """Evidence inside a document's text, characters [start, end)."""

    kind: Literal["answer", "bridge", "insight"]
    start: int
    end: int
    hop: int | None = None


@dataclass(frozen=True)
class Draft:
    """A document whose place in the prompt is not known yet."""

    text: str
    role: Role
    title: str | None = None
    hop: int | None = None
    spans: tuple[Span, ...] = ()
    cited: bool = False  # its number is part of the answer


@dataclass(frozen=True)
class ChatFrame:
    """What a chat template puts around a single user turn; the answer's cue follows the tail."""

    head: str
    tail: str

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> ChatFrame:
        """Take it from a tokenizer that has a chat template."""
        message = [{"role": "user", "content": _TEXT}]
        text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        head, mark, tail = str(text).partition(_TEXT)
        if not mark:
            raise UserError("the tokenizer's chat template drops the user's text")
        return cls(head, tail)


@dataclass(frozen=True)
class Prompt:
    """A finished prompt with its documents, needles and the needles' texts."""

    text: str
    documents: tuple[Document, ...]
    needles: tuple[Needle, ...]
    needle_texts: tuple[str, ...]


@dataclass
class _Text:
    """A string that grows and knows its length."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, piece: str) -> int:
        """Append; gives the place where the piece begins."""
        self.pieces.append(piece)
        self.length += len(piece)
        return self.length - len(piece)


@lru_cache(maxsize=100_000)
def document_frame(title: str | None, folder: Path | None = None) -> tuple[str, str, str]:
    """What stands before a document's number, between number and text, and after the text."""
    filled = fill(PACKAGE, "document", folder, number=_NUMBER, title=title, text=_TEXT)
    before, number, rest = filled.partition(_NUMBER)
    between, text, after = rest.partition(_TEXT)
    if not (number and text):
        raise UserError(
            f"{folder or 'prompts'}/document.jinja: must name number, then text",
            "{{ number }} and {{ text }}",
        )
    return before, between, after


def compose(
    task: str,
    query: str,
    drafts: Sequence[Draft],
    *,
    folder: Path | None = None,
    chat: ChatFrame | None = None,
    cue: str | None = None,
) -> Prompt:
    """Put the prompt together: instruction, documents in this order, query, cue.

    Parameters
    ----------
    task : whose templates are used.
    drafts : in prompt order.
    folder : templates that replace ours.
    chat : frame of the model's chat template; None gives plain text.
    cue : what the answer follows, in place of the task's.
    """
    text = _Text()
    if chat:
        text.add(chat.head)
    text.add(fill(PACKAGE, task, folder) + "\n\n")
    documents, needles = [], []
    for number, draft in enumerate(drafts, 1):
        before, between, after = document_frame(draft.title, folder)
        text.add(before)
        at = text.add(str(number))
        if draft.cited:
            needles.append(Needle(kind="doc_id", start=at, end=text.length, doc_id=number))
        text.add(between)
        at = text.add(draft.text)
        needles += [
            Needle(kind=s.kind, start=at + s.start, end=at + s.end, doc_id=number, hop=s.hop)
            for s in draft.spans
        ]
        text.add(after + "\n\n")
        documents.append(
            Document(
                doc_id=number, title=draft.title, text=draft.text, role=draft.role, hop=draft.hop
            )
        )
    text.add(fill(PACKAGE, f"{task}_query", folder, query=query))
    text.add(chat.tail if chat else "\n")
    text.add(fill(PACKAGE, f"{task}_cue", folder) if cue is None else cue)
    prompt = "".join(text.pieces)
    texts = tuple(prompt[needle.start : needle.end] for needle in needles)
    return Prompt(prompt, tuple(documents), tuple(needles), texts)


def render(example: Example, template: Path | None = None) -> tuple[str, str]:
    """Prompt and target of an example's documents and query in other templates (plain text).

    Parameters
    ----------
    example : whose documents and query are used.
    template : folder of templates that replace ours; None is ours.
    """
    drafts = [Draft(text=d.text, role=d.role, title=d.title, hop=d.hop) for d in example.documents]
    return compose(example.task, example.query, drafts, folder=template).text, example.target
