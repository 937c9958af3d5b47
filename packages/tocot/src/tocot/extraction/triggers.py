"""Where an answer is announced: "the answer is", "Answer:", a heading, a tag, a box."""

import re
from collections.abc import Iterator, Sequence

BOXED = re.compile(r"\\f?(?:frame)?box(?:ed)?(?:\s*(\{)|\s+(?=[\w$.-]))")
WINDOW = 120  # characters that are read after a trigger, at most to the end of its line
# What may stand between "answer" and the answer: "(Yes or No)", "is therefore", ":", "->".
_STRONG = re.compile(
    r"(?:answer|option|choice)\b[\"'”]?\s*(?:\([^()\n]{0,40}\)\s*)?"
    r"(?:is(?:\s+therefore)?\b:?|would\s+be\b|:|->|=>|→)\s*(?:[_.]+\s*\n\s*)?|solution\s*:\s*|answer>\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"[#\s]*(?:(?:my|the|final|best|correct)\s+)*answer[ \t]*\n\s*", re.IGNORECASE
)
_DECISION = re.compile(r"(?:choose|pick|select|go\s+with|opt\s+for)\s+", re.IGNORECASE)
_I = re.compile(r"\bI(?:['’](?:d|ll)|\s+would|\s+will)?\s+\Z")
# A last word: "Wait, no, it's B", "Actually it must be C".
_CORRECTION = re.compile(
    r"(?:wait|actually|correction|sorry)\b[^\n.?]{0,40}?\b"
    r"(?:it['’]?s|it\s+is|(?:must|should)\s+be)\s+",
    re.IGNORECASE,
)
_ANNOUNCED_BY = ("answer", "option", "choice", "solution")
# Words of an answer without that name; they count behind the last announcement.
_DECIDED_BY = ("choose", "pick", "select", "go with", "opt for")
_CORRECTED_BY = ("wait", "actually", "correction", "sorry")
_WITHDRAWAL = re.compile(
    r"\b(?:that|this)(?:['’]s|\s+is|\s+was)\s+(?:wrong|incorrect|not\s+right|a\s+mistake)\b"
    r"|\bscratch\s+that\b",
    re.IGNORECASE,
)


def strong_triggers(text: str, lower: str) -> list[int]:
    """Ends of the strong triggers, last one first. `rfind` passes over the text at C speed."""
    ends: list[int] = []
    for word in _ANNOUNCED_BY:
        at = lower.rfind(word)
        while at >= 0:
            hit = _STRONG.match(text, at)
            if hit is None and word == "answer":
                hit = _heading(text, at)
            if hit is not None:
                ends.append(hit.end())
            at = lower.rfind(word, 0, at)
    behind = max(ends) if ends else 0
    if text.find("I", behind) >= 0:
        decided = _matches(_DECIDED_BY, _DECISION, text, lower, behind)
        ends += [
            hit.end() for hit in decided if _I.search(text, max(0, hit.start() - 12), hit.start())
        ]
    ends += [hit.end() for hit in _matches(_CORRECTED_BY, _CORRECTION, text, lower, behind)]
    ends.sort(reverse=True)
    return ends


def _matches(
    words: Sequence[str], pattern: re.Pattern[str], text: str, lower: str, behind: int
) -> Iterator[re.Match[str]]:
    """Where a pattern matches at one of some words, behind a place."""
    for word in words:
        at = lower.rfind(word, behind)
        while at >= 0:
            if hit := pattern.match(text, at):
                yield hit
            at = lower.rfind(word, behind, at)


def _heading(text: str, at: int) -> re.Match[str] | None:
    """A line that says no more than "Final Answer"; the answer is in the next one."""
    return _HEADING.match(text, text.rfind("\n", 0, at) + 1)


def withdrawn(text: str, start: int) -> bool:
    """Whether the text takes back what was said before a place in it."""
    return _WITHDRAWAL.search(text, start) is not None


def window_end(text: str, start: int) -> int:
    """Where the window after a trigger ends: with its line, after `WINDOW` signs at most."""
    end = text.find("\n", start, start + WINDOW)
    return min(len(text), start + WINDOW) if end < 0 else end


def lower_case(text: str) -> str:
    """Lower case of the same length."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)
