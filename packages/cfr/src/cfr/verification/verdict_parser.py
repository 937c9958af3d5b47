"""Which label a judge's words end with."""

import re
from typing import NamedTuple

from ..scoring.labels import LabelSet, plain

# Models decorate: `**Label:** Refuted`.
_LABEL_LINE = re.compile(r"\blabel\b[^\w\n]{0,4}[:：](.*)", re.IGNORECASE)
# What may stand before the label: "the claim is Supported".
_LEAD = re.compile(r"^(?:the )?(?:claim|label|verdict|answer|final label)(?: is)? ")


class ParsedVerdict(NamedTuple):
    """A judge's label; the data set's neutral one where its words have none."""

    label: str
    failed: bool


def parse_verdict(text: str, labels: LabelSet) -> ParsedVerdict:
    """Read the last line with `LABEL:`.

    It has to begin with a label's name or another name for it, and may name no other label:
    "Supported" and "supported, as the record shows" are read, "not supported", "partly supported"
    and "Supported or Refuted" are not.
    """
    lines = _LABEL_LINE.findall(text)
    if not lines:
        return ParsedVerdict(labels.neutral, True)
    said = _LEAD.sub("", plain(lines[-1]))
    named = _named(said, labels)
    first = next((name for name in labels.known if _starts(said, name)), None)
    if first is None or named != {labels.known[first]}:
        return ParsedVerdict(labels.neutral, True)
    return ParsedVerdict(labels.known[first], False)


def _starts(said: str, name: str) -> bool:
    return said == name or said.startswith(f"{name} ")


def _named(said: str, labels: LabelSet) -> set[str]:
    """Every label that a line names; a name within a longer one, as in "mostly true", is none."""
    found = set()
    for name, label in labels.known.items():  # the longest first
        said, count = re.subn(rf"\b{re.escape(name)}\b", "|", said)
        if count:
            found.add(label)
    return found
