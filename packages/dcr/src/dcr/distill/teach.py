"""A teacher's feedback on responses that are not factual, and its refinements of them."""

from collections.abc import Iterator, Sequence

from tenpapers.generation import Completion, Request, Sampling

from ..critique.fences import messages
from ..critique.language_model import LanguageModel
from ..critique.stage import Counted
from ..critique.task import LongDocumentError, source_of
from ..refine.choose import rejection_of
from ..refine.clean_reply import clean_reply
from .parse_teacher import parse_errors
from .rows import ERROR_TYPES, Labelled, Revised, Taught, TeacherError
from .settings import FeedbackSettings, ReviseSettings

# How often a teacher is asked whose errors cannot be read.
ATTEMPTS = 2


def taught_rows(
    rows: Sequence[Labelled],
    teacher: LanguageModel,
    settings: FeedbackSettings,
    counted: Counted,
    *,
    progress: str | None = None,
) -> Iterator[Taught]:
    """Responses with their errors, as they are done; of a factual one nobody is asked."""
    asked: dict[str, Labelled] = {}
    requests = []
    for row in rows:
        if row.summary_factual:
            yield Taught.model_validate(dict(row))
            continue
        try:
            request = _feedback_request(row, settings)
        except LongDocumentError as error:
            counted.failed[row.id] = str(error)
            continue
        requests.append(request)
        asked[request.id] = row
    for done, tries in teacher.attempts(
        requests, lambda done: bool(parse_errors(done.text)), tries=ATTEMPTS, progress=progress
    ):
        row = asked[done.id]
        if done.failed:
            counted.failed[row.id] = f"teacher: {done.outcome}"
        else:
            yield _taught(row, done, tries)


def revised_rows(
    rows: Sequence[Taught],
    teacher: LanguageModel,
    settings: ReviseSettings,
    counted: Counted,
    *,
    progress: str | None = None,
) -> Iterator[Revised]:
    """Responses with refinements, as they are done; without errors nobody is asked."""
    asked: dict[str, Taught] = {}
    requests = []
    for row in rows:
        if not row.teacher_errors:
            yield Revised.model_validate(dict(row))
            continue
        try:
            requests.append(_revision_request(row, settings))
            asked[row.id] = row
        except LongDocumentError as error:
            counted.failed[row.id] = str(error)
    for done in teacher.stream(requests, progress=progress):
        row = asked[done.id.removesuffix("|revise")]
        if done.failed:
            counted.failed[row.id] = f"teacher: {done.outcome}"
            continue
        text = clean_reply(done.text, row.response).text
        rejection = rejection_of(text, row.response, done.finish_reason)
        told = {
            "refinement": None if rejection else text,
            "refinement_raw": done.text,
            "refinement_rejection": rejection,
        }
        yield Revised.model_validate(dict(row) | told)


def numbered_feedback(errors: Sequence[TeacherError]) -> str:
    """What a teacher found, as it reads it when it refines: numbered, an error a line."""
    lines = []
    for number, error in enumerate(errors, 1):
        advice = f"change it to '{error.fix}'" if error.fix else "remove it"
        line = f"{number}. For the span '{error.span}': {error.feedback} To mend it, {advice}."
        lines.append(" ".join(line.split()))
    return "\n".join(lines)


def _feedback_request(row: Labelled, settings: FeedbackSettings) -> Request:
    asked = messages(
        "teacher_feedback",
        settings.prompts,
        source=source_of(row, settings),
        response=row.response,
        types=ERROR_TYPES,
    )
    sampling = Sampling(
        max_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        seed=settings.seed,
    )
    return Request(id=f"{row.id}|feedback", messages=asked, sampling=sampling)


def _revision_request(row: Taught, settings: ReviseSettings) -> Request:
    asked = messages(
        "teacher_revision",
        settings.prompts,
        source=source_of(row, settings),
        response=row.response,
        feedback=numbered_feedback(row.teacher_errors),
    )
    sampling = Sampling(
        max_tokens=settings.max_new_tokens, temperature=settings.temperature, seed=settings.seed
    )
    return Request(id=f"{row.id}|revise", messages=asked, sampling=sampling)


def _taught(row: Labelled, done: Completion, tries: int) -> Taught:
    errors = parse_errors(done.text) if done.finish_reason in ("stop", "length") else []
    told = {
        "teacher_errors": errors,
        "teacher_raw": done.text,
        "teacher_attempts": tries,
        "teacher_unparsed": not errors,
        "teacher_finish_reason": done.finish_reason,
    }
    return Taught.model_validate(dict(row) | told)
