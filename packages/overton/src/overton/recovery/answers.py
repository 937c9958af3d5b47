"""What a model wrote behind a prompt: the answer, and the summary before it."""

import re
from typing import Literal, NamedTuple

Status = Literal["ok", "no_answer"]

# A section as the prompt writes them: heading, opening fence, body, closing fence or the end.
_ANSWER = re.compile(r"^# Answer:[ \t]*\n+```[^\n]*\n(.*?)(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_FENCE_AT_END = re.compile(r"\n?```\s*\Z")


class Written(NamedTuple):
    """A summary that the model wrote itself, and the answer behind it."""

    summary: str
    answer: str
    status: Status


def split_summary(text: str) -> Written:
    """Split what a model wrote behind an opened summary.

    The answer is what stands in the first section "Answer"; where there is none it is empty, and
    the status says so.
    """
    text = text.replace("\r\n", "\n")
    section = _ANSWER.search(text)
    if section is None:
        return Written(_FENCE_AT_END.sub("", text).strip(), "", "no_answer")
    summary = _FENCE_AT_END.sub("", text[: section.start()]).strip()
    return Written(summary, section[1].strip(), "ok")
