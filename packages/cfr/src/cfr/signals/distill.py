"""Relevance distilled from a teacher model: grades of a list of windows, or yes or no of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..reading.fences import prompt_digest, quoted
from ..records import Candidates, Judgement, Labels, Passage
from .in_order import in_order
from .parse_grades import Grades, parse_grades
from .settings import REPLY_TOKENS, WINDOWS, Mode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Pointwise: a window is relevant with at least this probability of yes, among so many of a query.
YES, BEST = 0.5, 3
RETRY = "|retry"


@dataclass(frozen=True)
class Distilled:
    """Labels of a query, and what happened on the way.

    Parameters
    ----------
    ignored : entries of the reply that were no grade of a window that was shown.
    retried : whether the reply was asked for again.
    failed : requests that got no answer.
    """

    labels: Labels
    ignored: int = 0
    retried: bool = False
    failed: int = 0


def distilled(
    candidates: Sequence[Candidates],
    teacher: Generator,
    *,
    mode: Mode = "listwise",
    windows: int = WINDOWS,
    folder: Path | None = None,
    max_new_tokens: int = REPLY_TOKENS,
    seed: int = 0,
    progress: str | None = None,
) -> Iterator[Distilled]:
    """Ask a teacher of the first windows of each query; labels come as they are done.

    A listwise teacher grades all windows of a query in one reply: 2 is positive, 0 and 1 are
    negative, what it leaves out is neither. A reply without grades is asked for once more; then the
    query has no labels. A pointwise teacher gives the probability of yes against no of every
    window: positive from 0.5 on among the best three, negative below 0.5.

    Parameters
    ----------
    windows : how many of a query are shown, the first ones.
    folder : the user's templates.
    progress : what a progress bar says, None for none.

    Raises
    ------
    UserError : a pointwise teacher whose weights are not here.
    """
    shown = [row for row in candidates if row.passages]
    for row in candidates:
        if not row.passages:
            yield Distilled(Labels(qid=row.qid, signal="distill", skipped="no passages"))
    if mode == "pointwise":
        yield from _pointwise(shown, teacher, windows, folder, progress)
        return
    sampling = Sampling(max_tokens=max_new_tokens, seed=seed)
    of_qid = {row.qid: row for row in shown}
    asked = {row.qid: listwise_messages(row, windows, folder) for row in shown}
    unread: dict[str, tuple[Message, ...]] = {}
    requests = [
        Request(id=qid, messages=messages, sampling=sampling) for qid, messages in asked.items()
    ]
    for completion in teacher.stream(requests, progress=progress) if requests else ():
        row = of_qid[completion.id]
        grades = _grades_of(completion, row, windows)
        if grades is None and completion.finish_reason in ("stop", "length"):
            unread[row.qid] = _asked_again(asked[row.qid], completion, row, windows, folder)
        else:
            yield _listwise_labels(row, completion, grades, asked[row.qid], windows)
    requests = [
        Request(id=f"{qid}{RETRY}", messages=messages, sampling=sampling)
        for qid, messages in unread.items()
    ]
    for completion in teacher.stream(requests) if requests else ():
        row = of_qid[completion.id.removesuffix(RETRY)]
        grades = _grades_of(completion, row, windows)
        yield _listwise_labels(row, completion, grades, unread[row.qid], windows, retried=True)


# All labels at once, query by query.
distill = in_order(distilled)


def listwise_messages(
    row: Candidates, windows: int = WINDOWS, folder: Path | None = None
) -> tuple[Message, ...]:
    """What a listwise teacher is asked about a query."""
    return _messages(
        "teacher_listwise",
        folder,
        claim=row.claim or row.question,
        question=row.question if row.claim else "",
        windows=row.passages[:windows],
    )


def pointwise_messages(
    row: Candidates, window: Passage, folder: Path | None = None
) -> tuple[Message, ...]:
    """What a pointwise teacher is asked about a window."""
    return _messages(
        "teacher_pointwise",
        folder,
        claim=row.claim or row.question,
        question=row.question if row.claim else "",
        window=window,
    )


def _messages(template: str, folder: Path | None, **values: Any) -> tuple[Message, ...]:
    values["quoted"] = quoted
    system = fill_section("cfr", template, "system", folder, default="", **values)
    user = fill_section("cfr", template, "user", folder, **values)
    told = (Message(role="system", content=system),) if system else ()
    return (*told, Message(role="user", content=user))


def _asked_again(
    messages: tuple[Message, ...],
    completion: Completion,
    row: Candidates,
    windows: int,
    folder: Path | None,
) -> tuple[Message, ...]:
    again = fill_section("cfr", "teacher_listwise", "retry", folder, windows=row.passages[:windows])
    return (
        *messages,
        Message(role="assistant", content=completion.text or "(nothing)"),
        Message(role="user", content=again),
    )


def _grades_of(completion: Completion, row: Candidates, windows: int) -> Grades | None:
    if completion.finish_reason not in ("stop", "length"):
        return None
    return parse_grades(completion.text, len(row.passages[:windows]))


def _listwise_labels(
    row: Candidates,
    completion: Completion,
    grades: Grades | None,
    messages: tuple[Message, ...],
    windows: int,
    *,
    retried: bool = False,
) -> Distilled:
    noted = {"prompt_sha256": prompt_digest(messages), "outcome": completion.outcome}
    if grades is None:
        skipped = {"refused": "refused", "filtered": "filtered", "error": "no answer"}.get(
            completion.finish_reason, "no grades in the reply"
        )
        error = (completion.error or "no answer") if completion.failed else ""
        labels = _labels(row, (), noted, skipped=skipped, error=error)
        return Distilled(labels, retried=retried, failed=int(completion.failed))
    judgements = []
    for number, passage in enumerate(row.passages[:windows], 1):
        grade = grades.of_window.get(number)
        rel: Literal[1, 0] | None = None if grade is None else (1 if grade == 2 else 0)
        score = None if grade is None else float(grade)
        judgements.append(Judgement(pid=passage.pid, score=score, rel=rel))
    return Distilled(_labels(row, judgements, noted), ignored=grades.ignored, retried=retried)


def _labels(
    row: Candidates,
    judgements: Sequence[Judgement],
    noted: dict[str, str],
    *,
    skipped: str = "",
    error: str = "",
) -> Labels:
    return Labels.model_validate(
        {
            "qid": row.qid,
            "signal": "distill",
            "judgements": judgements,
            "skipped": skipped,
            "error": error,
            **noted,
        }
    )


def _pointwise(
    candidates: Sequence[Candidates],
    teacher: Generator,
    windows: int,
    folder: Path | None,
    progress: str | None,
) -> Iterator[Distilled]:
    from tqdm import tqdm

    tokenizer = _tokenizer_of(teacher)
    for row in tqdm(candidates, desc=progress, unit="query", disable=progress is None):
        shown = row.passages[:windows]
        asked = [pointwise_messages(row, window, folder) for window in shown]
        yes = [probability_of_yes(teacher, tokenizer, messages) for messages in asked]
        best = sorted(range(len(yes)), key=lambda place: -yes[place])[:BEST]
        judgements = [
            Judgement(pid=window.pid, score=p, rel=_said(p, place in best))
            for place, (window, p) in enumerate(zip(shown, yes, strict=True))
        ]
        digest = prompt_digest([message for messages in asked for message in messages])
        yield Distilled(_labels(row, judgements, {"prompt_sha256": digest}))


def _said(yes: float, among_best: bool) -> Literal[1, 0] | None:
    if yes < YES:
        return 0
    return 1 if among_best else None


def _tokenizer_of(teacher: Generator) -> "PreTrainedTokenizerBase":
    from tenpapers.models import load_tokenizer

    if teacher.backend.family not in ("hf", "vllm"):
        raise UserError(
            f"teacher {teacher.backend.model}: pointwise needs probabilities",
            "use an hf: or vllm: model, or --mode listwise",
        )
    lm = getattr(teacher.backend, "lm", None)
    return lm.tokenizer if lm is not None else load_tokenizer(teacher.backend.model)


def probability_of_yes(
    teacher: Generator, tokenizer: "PreTrainedTokenizerBase", messages: tuple[Message, ...]
) -> float:
    """P(yes) / (P(yes) + P(no)) of the first token of a teacher's answer, in small or large."""
    prompt = chat_text(tokenizer, Request(id="", messages=messages))
    # After a role's name without a template a blank begins the answer.
    blank = "" if prompt[-1:].isspace() else " "
    scores = teacher.score(prompt, [blank + word for word in ("Yes", "yes", "No", "no")])
    yes_large, yes_small, no_large, no_small = (score.tokens[0] for score in scores)
    yes, no = np.logaddexp(yes_large, yes_small), np.logaddexp(no_large, no_small)
    return float(np.exp(yes - np.logaddexp(yes, no)))
