"""Where an answer is announced: "the answer is", "Answer:", a box."""

import re

BOXED = re.compile(r"\\f?box(?:ed)?\s*\{")
WINDOW = 120  # characters that are read after a trigger, at most to the end of its line
# What may stand between "answer" and the answer: "(Yes or No)", "is therefore", ":".
_STRONG = re.compile(
    r"(?:answer|option|choice)\s*(?:\([^()\n]{0,40}\)\s*)?(?:is(?:\s+therefore)?\b:?|:)\s*",
    re.IGNORECASE,
)
_STRONG_WORDS = ("answer", "option", "choice")


def strong_triggers(text: str, lower: str) -> list[int]:
    """Ends of the strong triggers, last one first. `rfind` passes over the text at C speed."""
    ends: list[int] = []
    for word in _STRONG_WORDS:
        at = lower.rfind(word)
        while at >= 0:
            hit = _STRONG.match(text, at)
            if hit is not None:
                ends.append(hit.end())
            at = lower.rfind(word, 0, at)
    ends.sort(reverse=True)
    return ends


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
