"""Where a response has answered and goes on to a question of its own making.

A model that imitates its prompt writes the next question and answers that too. What it says from
there on is never read, so that a generation may stop there: the one stop that changes no answer.
"""

import re

_ANSWERED = r"(?:[Aa]nswer|ANSWER)\W{0,4}(?::|is\b)|\\boxed\s*\{"
_NEXT = (
    r"\n[ \t]*(?:[#*]+[ \t]*)?"
    r"(?:(?:Question|Problem|Q|User|Human)(?:[ \t]*\d+)?\**:|Here is a question with)"
)
# Atomic: an announcement that no question follows is looked for once, not from every place.
_RUN_ON = re.compile(rf"(?s:(?>.*?(?:{_ANSWERED})).*?)({_NEXT})")
_BEGUN = re.compile(_NEXT)
# The same for a sampler: a text that it matches has ended.
STOP = rf"\A{_RUN_ON.pattern}"


def run_on(text: str, start: int, end: int) -> int:
    """Where the next question begins behind the announcement of an answer; `end` if nowhere."""
    if _BEGUN.search(text, start, end) is None:  # so it is with nearly all
        return end
    hit = _RUN_ON.match(text, start, end)
    return hit.start(1) if hit else end
