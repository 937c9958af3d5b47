"""The form of a critique: what critics are trained to write, and how it is read back.

Reasoning; a line that names the error span in quotes; a line that says what to do with it. Models
write it with other quotes, in bold, or half of it; what cannot be read stays as it is, since the
refiner gets the words themselves (DCR, section on critique; the paper's code never reads them).
"""

import re
from itertools import islice
from typing import NamedTuple

from ..records import Offsets, Verdict

# Of an answer in which anything is looked for, in characters: more than 2,048 tokens have.
LONGEST = 12_000
NO_ERROR = "no error"
_OPENS, _CLOSES = "'\"“‘", "'\"”’"
# Markdown's emphasis, which some models put around everything; the end of a line.
_MARKS = r"\s*_`"
_END = rf"[.{_MARKS}]{{0,20}}$"
_SPAN = re.compile(
    rf"error span[^{_OPENS}:]{{0,200}}[:{_MARKS}]{{0,50}}[{_OPENS}](.{{1,1000}}?)[{_CLOSES}]{_END}",
    re.IGNORECASE | re.MULTILINE,
)
# "change it to 'X'", "change 'Y' to 'X'"; what is looked for, and where on a line.
_CHANGE = re.compile(r"chang\w{0,8}", re.IGNORECASE)
_TO = re.compile(rf"\bto\b[:{_MARKS}]{{0,20}}[{_OPENS}]", re.IGNORECASE)
# Of places where "change" may begin a fix; a reply with more is none.
MOST_CHANGES = 50
# What leads to the span, as in "The error span is": no reasoning.
_LEAD = re.compile(r"(?:(?<=[.!?\n])|^)[ \t*_#-]*[^.!?\n]{0,40}\Z")
_REMOVE = re.compile(r"\bremov", re.IGNORECASE)
_NO_ERROR = re.compile(r"\bno errors?\W*$", re.IGNORECASE)
_END_OF_TURN = (
    "</s>",
    "<|eot_id|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end|>",
    "<end_of_turn>",
    "[/INST]",
)


class Read(NamedTuple):
    """What could be read in a critic's words; see `records.Critique`."""

    reasoning: str
    span: str | None
    fix: str | None
    verdict: Verdict


def write_critique(reasoning: str, span: str, fix: str | None) -> str:
    """A critique in the form that critics are trained to write.

    Parameters
    ----------
    fix : what should stand in place of the span; "" advises to remove it, None leaves the line out.
    """
    lines = [reasoning.strip(), f"The error span is: '{_one_line(span)}'"]
    if fix:
        lines.append(f"To fix this, change the span to '{_one_line(fix)}'")
    elif fix is not None:
        lines.append("To fix this, remove the information of the span.")
    return "\n".join(line for line in lines if line)


def read_critique(text: str) -> Read:
    """Read a critic's words; whatever they are, this never fails."""
    plain = without_end_of_turn(text[:LONGEST]).strip()
    found = _SPAN.search(plain)
    span = found[1].strip() if found else None
    reasoning = _LEAD.sub("", plain[: found.start()]) if found else plain
    fix = _fix(plain, found)
    verdict: Verdict = "error" if span else "unparsed"
    if _NO_ERROR.search(plain):
        verdict = "no_error"
    return Read(reasoning.strip(), span or None, fix, verdict)


def _fix(text: str, span: "re.Match[str] | None") -> str | None:
    after = text[span.end() :] if span else text
    for change in islice(_CHANGE.finditer(after), MOST_CHANGES):
        fix = _quoted_after_to(after[change.end() :])
        if fix is not None:
            return fix
    return "" if span and _REMOVE.search(after) else None


def _quoted_after_to(text: str) -> str | None:
    """What a line has in quotes behind a "to", up to its end; quotes within are part of it."""
    line = text.partition("\n")[0]
    for found in islice(_TO.finditer(text, 0, len(line) + 30), MOST_CHANGES):
        if found.start() > len(line):
            break
        quoted = text[found.end() :].partition("\n")[0].rstrip(" \t\r.*_`")
        if quoted.endswith(tuple(_CLOSES)):
            return quoted[:-1].strip()
    return None


def without_end_of_turn(text: str) -> str:
    """A text without the tokens by which models end their turn, where a backend leaves them."""
    plain = text.rstrip()
    while plain.endswith(_END_OF_TURN):
        plain = next(plain.removesuffix(end) for end in _END_OF_TURN if plain.endswith(end))
        text = plain = plain.rstrip()
    return text


def locate(span: str, text: str) -> Offsets | None:
    """Where a span stands in a text, in characters: as it is, in other case, with other blanks."""
    words = span.split()
    if not words:
        return None
    start = text.find(span)
    if start >= 0:
        return start, start + len(span)
    found = re.search(re.escape(span), text, re.IGNORECASE) or re.search(
        r"\s+".join(map(re.escape, words)), text, re.IGNORECASE
    )
    return found.span() if found else None


def replace_span(text: str, span: Offsets, fix: str) -> str:
    """A text with something else in place of a span; where nothing comes, a blank goes too."""
    head, tail = text[: span[0]], text[span[1] :]
    if not fix and tail[:1] in ",.;:!?)":
        head = head.rstrip(" \t")
        head = head.removesuffix(",") if tail else head
    elif not fix and tail[0] in " \t" and (not head or head[-1] in " \t\n("):
        tail = tail.lstrip(" \t")
    return head + fix + tail


def _one_line(text: str) -> str:
    return " ".join(text.split())
