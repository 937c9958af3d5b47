"""A reader model answers a subquestion from passages, or says that they do not answer it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..records import Passage
from .fences import prompt_digest, quoted

MAX_NEW_TOKENS = 128
UNANSWERED = "not answered"

# Models decorate: `**Answer:** Not answered.`
_LABEL = re.compile(r"^\W*answer\W*:\W*", re.IGNORECASE)
# All that is said, the first thing that is said, or the last: then it is taken back.
_SAID = r"(?:(?:the|this) (?:sub)?question (?:is|was) )?not answered"
_NOTHING = re.compile(
    rf"^\W*{_SAID}\b(?:\W*$|\s*[.:;,\n-]| by the passage)|(?:^|[.:!?\n]\W*){_SAID}\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Case:
    """What a reader is asked.

    Parameters
    ----------
    id : of the request.
    claim : background; may be empty.
    question : may be empty: then what the passages say about the claim is asked.
    """

    id: str
    claim: str
    question: str
    passages: Sequence[Passage]


@dataclass(frozen=True)
class Reading:
    """What a reader said.

    Parameters
    ----------
    answer : "" where it gave none.
    answered : False where the passages do not answer, or where no answer came back.
    outcome : how the request ended: stop, length (the answer was cut), refused, filtered, or
        `error: words`.
    prompt_sha256 : of what it was asked.
    """

    id: str
    answer: str
    answered: bool
    outcome: str
    prompt_sha256: str

    @property
    def failed(self) -> bool:
        """Whether nothing came back that says anything of the passages."""
        return self.outcome not in ("stop", "length")

    @property
    def error(self) -> str:
        """Words of a request that got no answer and is worth asking again; "" for none."""
        return self.outcome.removeprefix("error: ") if self.outcome.startswith("error") else ""


def question_messages(case: Case, folder: Path | None = None) -> tuple[Message, ...]:
    """The messages that a reader gets.

    Parameters
    ----------
    folder : the user's templates, see `tenpapers.templates.fill`.
    """
    values: dict[str, Any] = {
        "claim": case.claim,
        "question": case.question,
        "passages": case.passages,
        "quoted": quoted,
    }
    system = fill_section("cfr", "reader", "system", folder, default="", **values)
    user = fill_section("cfr", "reader", "user", folder, **values)
    told = (Message(role="system", content=system),) if system else ()
    return (*told, Message(role="user", content=user))


def read(
    cases: Sequence[Case],
    reader: Generator,
    *,
    folder: Path | None = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
    seed: int = 0,
    progress: str | None = None,
) -> Iterator[tuple[Case, Reading]]:
    """Ask a reader, greedily; readings come as they are done, in any order.

    A case without passages is not asked: nothing answers it.

    Parameters
    ----------
    folder : the user's templates.
    progress : what a progress bar says, None for none.
    """
    asked: list[Request] = []
    of_id: dict[str, tuple[Case, str]] = {}
    sampling = Sampling(max_tokens=max_new_tokens, seed=seed)
    for case in cases:
        if not case.passages:
            yield case, Reading(case.id, "", False, "stop", "")
            continue
        messages = question_messages(case, folder)
        of_id[case.id] = case, prompt_digest(messages)
        asked.append(Request(id=case.id, messages=messages, sampling=sampling))
    for completion in reader.stream(asked, progress=progress) if asked else ():
        case, digest = of_id[completion.id]
        yield case, _reading(case, completion, digest)


def _reading(case: Case, completion: Completion, digest: str) -> Reading:
    answer = ""
    if completion.finish_reason in ("stop", "length"):
        answer = read_reply(completion.text)
    return Reading(case.id, answer, bool(answer), completion.outcome, digest)


def read_reply(text: str) -> str:
    """The answer in a reader's words on one line; "" where it says that there is none.

    "Not answered" counts where it is all that is said, and at the beginning or the end; within a
    sentence, as in "the letter was not answered by the ministry", it is an answer.
    """
    said = _LABEL.sub("", text.strip())
    if _NOTHING.search(said):
        return ""
    return " ".join(said.strip('*_`" \n\t').split())
