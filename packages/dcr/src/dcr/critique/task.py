"""The document and the task of a response, as every prompt tells them."""

import math
import re
from collections import Counter

from tenpapers.errors import UserError
from tenpapers.sentences import split_document
from tenpapers.templates import fill_section

from ..records import Instance
from .critic import Showing, Style
from .fences import quoted

# Of the pieces of which the best are kept, in words.
PIECE = 100
GAP = "\n[...]\n"


class LongDocumentError(UserError):
    """A document that is longer than it may be."""


def source_of(instance: Instance, showing: Showing) -> str:
    """The document and the task of a response, for a prompt.

    Raises
    ------
    UserError : the style needs a field that the instance lacks.
    LongDocumentError : the document is too long, and is not to be cut.
    """
    return fill_section(
        "dcr",
        "source",
        style_of(instance, showing.style),
        showing.prompts,
        document=fitted(instance, showing),
        topic=instance.topic,
        instruction=instance.instruction,
        quoted=quoted,
    )


def style_of(instance: Instance, style: Style) -> str:
    """The section of the template that tells a task.

    Raises
    ------
    UserError : the style needs a field that the instance lacks.
    """
    needed = {
        "tofueval": ("topic", instance.topic),
        "ultrachat": ("instruction", instance.instruction),
    }
    if style != "auto":
        field, value = needed[style]
        if not value:
            raise UserError(
                f"instance {instance.id}: {field} is missing, which a {style} prompt tells",
                "pass --style auto, or add the field",
            )
        return style
    return next((name for name, (_, value) in needed.items() if value), "plain")


def fitted(instance: Instance, showing: Showing) -> str:
    """The document as a prompt shows it: whole, or what a policy keeps of a long one.

    `truncate` keeps its beginning; `chunk-retrieve` the pieces whose words the response shares,
    rare ones counting more, in the document's order.

    Raises
    ------
    LongDocumentError : it has more words than it may, and the policy is `error`.
    """
    document, most = instance.document, showing.document_words
    words = list(re.finditer(r"\S+", document))
    if most is None or len(words) <= most:
        return document
    if showing.long_documents == "truncate":
        return document[: words[most - 1].end()]
    if showing.long_documents == "chunk-retrieve":
        return _retrieved(document, instance.response, most)
    raise LongDocumentError(
        f"instance {instance.id}: its document has {len(words)} words, {most} at most are shown",
        "--long-documents chunk-retrieve or truncate cuts it, --document-words allows more",
    )


def check_policy(showing: Showing) -> None:
    """Refuse a policy that nobody said when to use.

    Raises
    ------
    UserError : documents are to be cut, and not to which length.
    """
    if showing.long_documents != "error" and showing.document_words is None:
        raise UserError(
            f"--long-documents {showing.long_documents}: from which length on?",
            "pass --document-words N",
        )


def _retrieved(document: str, response: str, most: int) -> str:
    pieces = split_document(document, min(PIECE, most))
    bags = [_words(piece) for piece in pieces]
    spread = Counter(word for bag in bags for word in bag)
    wanted = _words(response)
    weight = {word: math.log(1 + len(pieces) / spread[word]) for word in wanted if word in spread}

    def shared(index: int) -> tuple[float, int]:
        return -sum(weight[word] for word in bags[index] if word in weight), index

    kept: list[int] = []
    left = most
    for index in sorted(range(len(pieces)), key=shared):
        if (length := len(pieces[index].split())) <= left:
            kept.append(index)
            left -= length
    if not kept:  # one sentence that is longer than all that may be shown
        best = min(range(len(pieces)), key=shared)
        return " ".join(pieces[best].split()[:most])
    return GAP.join(pieces[index] for index in sorted(kept))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
