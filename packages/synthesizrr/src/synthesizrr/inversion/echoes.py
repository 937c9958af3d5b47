"""What models write around an answer: the prompt's own words again, and what would follow it."""

import re
from functools import cache

from ..inputs.task import Task

# Signs of Markdown before or behind a heading.
_MARKS = r"[*_`#>~ \t-]*"
_TURN = re.compile(r"^[ \t]*(?:Human|Assistant):", re.MULTILINE)
_POLITE = r"(?:sure|certainly|of course|absolutely|okay|ok|gladly|no problem|great)\b"
_HERE = r"(?:here(?:'s|’s| is| are)|below is|this is)\b"
# What an announced text is called, beside the words of the answer prefix.
_KINDS = "summary|text|version|response|answer|example|sentence|review|question|headline|article"


@cache
def heading(words: str) -> re.Pattern[str]:
    """A marker of a prompt as a line begins with it: any case, Markdown around it.

    Whole words: "Products reviewed" does not begin with the markers `Product` or `Review`. Without
    a colon of its own a marker needs one behind it, or the line's end, to be told from a text that
    begins with the same word.
    """
    name = r"\s+".join(re.escape(word) for word in words.rstrip(" :：").split())
    return re.compile(
        rf"^{_MARKS}{name}(?:{_MARKS}[:：]{_MARKS}|[*_`]+[ \t]*|[ \t]*$)",
        re.IGNORECASE | re.MULTILINE,
    )


def marks_itself(marker: str) -> bool:
    """Whether a marker is told from running text by its own sign: `Summary:` is, `Review` not."""
    return not marker[-1].isalnum()


def split_at_answers(text: str, task: Task) -> list[str]:
    """A text in pieces, one for every answer prefix; what stands before the first is one too."""
    found = heading(task.answer_prefix).split(text)
    if not marks_itself(task.answer_prefix):
        return found
    return [part for piece in found for part in piece.split(task.answer_prefix)]


def first_block(piece: str, task: Task, label: str | None) -> tuple[str, bool]:
    """A piece up to where the model goes on with another block; and whether it does.

    Another block begins with the document header, an instruction of the label (of any where it is
    None), or a turn of the dialogue.
    """
    labels = list(task.labels) if label is None else [label]
    openings = {words for name in labels for words in task.openings(name)}
    patterns = [heading(task.document_header), _TURN]
    if openings:
        every = "|".join(r"\s+".join(map(re.escape, words.split())) for words in openings)
        patterns.append(re.compile(rf"^{_MARKS}(?:{every})\b", re.MULTILINE))
    if marks_itself(task.document_header):
        patterns.append(re.compile(re.escape(task.document_header)))
    starts = [found.start() for pattern in patterns if (found := pattern.search(piece))]
    if starts:
        return piece[: min(starts)], True
    head, blank, tail = piece.rpartition("\n\n")
    # A header that the limit cut off: "\n\nNews art" at the end.
    begun = bool(blank and tail and task.document_header.startswith(tail))
    return (head, True) if begun else (piece, False)


def without_lead(text: str, task: Task, label: str | None) -> str:
    """A text without what a chat model says first: "Sure, here is ...:", the prompt's words."""
    asks = [task.ask(label, document=document) for document in (True, False)] if label else []
    patterns = (*_announcements(task.answer_prefix), heading(task.answer_prefix))
    while True:
        before = text = text.lstrip()
        for ask in asks:
            text = text.removeprefix(ask)
        for pattern in patterns:
            if lead := pattern.match(text):
                text = text[lead.end() :]
        text = re.sub(r"^Assistant:\s*", "", text)
        if text == before:
            return text


@cache
def _announcements(prefix: str) -> tuple[re.Pattern[str], ...]:
    words = [re.escape(word) for word in prefix.rstrip(" :：").split() if len(word) > 3]
    kinds = "|".join([*words, _KINDS])
    name = r"\s+".join(re.escape(word) for word in prefix.rstrip(" :：").split())
    colon = r"[:：][*_ \t]*"
    forms = (
        rf"{_MARKS}{_POLITE}[^\n]{{0,200}}?{colon}(?:\n|$)",
        rf"{_MARKS}{_HERE}[^\n]{{0,120}}?\b(?:{kinds})\b[^\n]{{0,120}}?{colon}(?:\n|$)",
        rf"{_MARKS}(?:{_POLITE}|{_HERE})[^\n:：]{{0,200}}?\b{name}{_MARKS}{colon}",
        rf"{_POLITE}[!.]?[ \t]*\n",
    )
    return tuple(re.compile(form, re.IGNORECASE) for form in forms)
