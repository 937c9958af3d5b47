"""A language model as the judge of answer equivalence: a grade of 1 to 5, read or not at all."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..reading.fences import prompt_digest, quoted
from .comparison import Comparison, NoScore, Why

# MOCHA's scale, which LERC was trained on: 1 is something else, 5 the same.
LOWEST, HIGHEST = 1, 5
# Models decorate: `**Grade:** 4`.
_GRADE_LINE = re.compile(r"\bgrade\b[^\w\n]{0,4}[:：](.*)", re.IGNORECASE)
_GRADE = re.compile(r"[\s*_`\"'(\[<]*([1-5])[*_`]*(?:\s*(?:/|out of)\s*5)?[\s*_`\"')\]>.]*")
_WHY: dict[str, Why] = {
    "length": "truncated",
    "refused": "refused",
    "filtered": "filtered",
    "error": "error",
}


class AnswerJudge:
    """Asks a model how far an answer says the same as the right one.

    Parameters
    ----------
    prompts : folder of templates that replace ours; they may show the `context` too.
    max_new_tokens : of a reply; a model that thinks first needs many.
    progress : what a progress bar says, None for none.
    """

    def __init__(
        self,
        model: Generator,
        *,
        prompts: Path | None = None,
        max_new_tokens: int,
        progress: str | None = None,
    ) -> None:
        self.model, self.prompts, self.progress = model, prompts, progress
        self._sampling = Sampling(max_tokens=max_new_tokens)

    @cached_property
    def prompt_sha256(self) -> str:
        """Hash of the template."""
        return prompt_digest(grade_messages(Comparison("", "", "", ""), self.prompts))

    def score(self, asked: Sequence[Comparison]) -> list[float | NoScore]:
        """Grades from 0 (something else) to 1 (the same), greedily; see `score_of`.

        Comparisons that read alike, from whatever passage, are one request.
        """
        all_messages = [grade_messages(one, self.prompts) for one in asked]
        names = [request_name(messages) for messages in all_messages]
        requests = {
            name: Request(id=name, messages=messages, sampling=self._sampling)
            for name, messages in zip(names, all_messages, strict=True)
        }
        stream = self.model.stream(list(requests.values()), progress=self.progress)
        done = {one.id: one for one in stream}
        return [score_of(done[name]) for name in names]


def grade_messages(asked: Comparison, folder: Path | None = None) -> tuple[Message, ...]:
    """What a judge is asked about an answer.

    Parameters
    ----------
    folder : the user's templates, see `tenpapers.templates.fill`.
    """
    values = {**asked._asdict(), "quoted": quoted}
    system = fill_section("cfr", "answer_judge", "system", folder, default="", **values)
    user = fill_section("cfr", "answer_judge", "user", folder, **values)
    told = (Message(role="system", content=system),) if system else ()
    return (*told, Message(role="user", content=user))


def request_name(messages: Sequence[Message]) -> str:
    """Id of a request: from what is asked alone, so that a recording fits any order of rows."""
    return f"grade|{prompt_digest(messages)}"


def score_of(done: Completion) -> float | NoScore:
    """The grade of a reply, as LERC's are scaled: (grade - 1) / 4.

    A reply that was cut has none, whatever stands in it: it may have gone on to another.
    """
    if done.finish_reason != "stop":
        return NoScore(_WHY[done.finish_reason], (done.error or "no answer") if done.failed else "")
    grade = parse_grade(done.text)
    return NoScore("unparsed") if grade is None else (grade - LOWEST) / (HIGHEST - LOWEST)


def parse_grade(text: str) -> int | None:
    """The grade in the last line with `GRADE:`, or a reply that is nothing but a grade.

    Nothing else may stand behind it: "4" and "4/5" are read, "4.5", "4 or 5" and "7" are not.
    """
    lines = _GRADE_LINE.findall(text)
    found = _GRADE.fullmatch(lines[-1] if lines else text)
    return int(found[1]) if found else None
