"""What a model is asked: one prompt for each query, with its examples, hint and budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError

from ..embedding.instructions import follows_instructions, instructed
from ..inputs.instances import load_instances
from ..inputs.matching import require, rows_of
from ..inputs.samples import load_samples
from ..records import Instance, InstanceId
from .budget import ContextOverflow, fit
from .choose import draw_others, nearest_others, vectors_of
from .demonstrations import load_demos, own_demos
from .methods import METHODS, Method
from .prompts import Demo, render_prompt
from .settings import GenerateSettings

if TYPE_CHECKING:
    from jaxtyping import Float32
    from numpy import ndarray


@dataclass(frozen=True)
class Task:
    """One query as it goes to the model.

    Parameters
    ----------
    prompt : None of one that cannot be asked, or is asked as `messages`.
    shots : ids of the queries that are shown, in their order; empty where examples are static.
    n_dropped : examples that were left out to fit the context.
    error : why it cannot be asked; "" where it can.
    """

    instance: Instance
    prompt: str | None = None
    messages: tuple[Mapping[str, str], ...] = ()
    max_new_tokens: int = 0
    shots: tuple[InstanceId, ...] = ()
    n_dropped: int = 0
    error: str = ""

    @property
    def metadata(self) -> dict[str, Any]:
        """What a row of samples says of how they were asked for."""
        shown = {"shot_ids": list(self.shots)} if self.shots else {}
        dropped = {"dropped_demos": self.n_dropped} if self.n_dropped else {}
        return {"instance_id": self.instance.id} | shown | dropped


def plan(
    settings: GenerateSettings, *, count: Callable[[str], int] | None, context: int
) -> list[Task]:
    """Make the prompts of all queries of a file.

    Parameters
    ----------
    count : tokens of a prompt; None where nobody here knows.
    context : tokens of prompt and answer together.

    Raises
    ------
    UserError : a file that the method needs is not given, or does not fit the queries; fewer
        queries than examples; what `load_instances`, `load_samples` and `vectors_of` raise.
    """
    method = METHODS[settings.method]
    instances = load_instances(settings.instances)
    asked = instances[: settings.limit]
    examples = _Examples(settings, method, instances)
    hints = _hints(settings, method, asked)
    planned = []
    for place, instance in enumerate(asked):
        try:
            planned.append(
                _task(
                    settings,
                    instance,
                    examples.of(place),
                    hints.get(instance.id),
                    count=count,
                    context=context,
                )
            )
        except (ContextOverflow, _UnansweredError) as error:
            planned.append(Task(instance, error=error.message))
    return planned


class _UnansweredError(UserError):
    """A query for which the teacher has nothing."""


@dataclass(frozen=True)
class _Shown:
    """Examples of one query; `ids` where they are other queries of the file."""

    demos: Sequence[Demo]
    ids: Sequence[InstanceId] = ()


def _task(
    settings: GenerateSettings,
    instance: Instance,
    shown: _Shown,
    hint: str | None,
    *,
    count: Callable[[str], int] | None,
    context: int,
) -> Task:
    method = METHODS[settings.method]
    if method.hint and hint is None:
        raise _UnansweredError(f"instance {instance.id!r}: no summary of its answer")
    prefix = _prefix(instance) if settings.method == "continue" else ""

    def render(demos: Sequence[Demo]) -> str:
        return render_prompt(
            settings.method, instance.query, demos, hint, prefix=prefix, folder=settings.prompts
        )

    if method.opened == "chat":
        said = instance.messages
        if method.hint:
            said = ({"role": "user", "content": render(())},)
        return Task(instance, messages=said, max_new_tokens=settings.max_new_tokens)
    fitted = fit(
        render,
        shown.demos,
        count,
        instance=instance.id,
        context=context,
        max_new_tokens=settings.max_new_tokens,
    )
    return Task(
        instance,
        prompt=fitted.prompt,
        max_new_tokens=fitted.max_new_tokens,
        shots=tuple(shown.ids[fitted.n_dropped :]),
        n_dropped=fitted.n_dropped,
    )


def _prefix(instance: Instance) -> str:
    metadata = instance.fields.get("metadata") or {}
    prefix = instance.fields.get("prefix", metadata.get("prefix"))
    if not isinstance(prefix, str):
        raise UserError(
            f"instance {instance.id!r}: no beginning of an answer to continue",
            "`--method continue` wants a field `prefix` in each row",
        )
    return prefix


class _Examples:
    """The examples of every query, by its place in the file."""

    def __init__(
        self, settings: GenerateSettings, method: Method, instances: Sequence[Instance]
    ) -> None:
        self._static: Sequence[Demo] = ()
        self._chosen: Sequence[Sequence[int]] | None = None
        self._instances = instances
        if method.examples == "others":
            self._answers = _teachers_answers(settings, instances)
            self._chosen = _choose(settings, method, instances, self._answers)
            self._needs_own = method.is_oracle
        elif method.examples != "none":
            self._static = _static(settings, method)

    def of(self, place: int) -> _Shown:
        """Examples of one query."""
        if self._chosen is None:
            return _Shown(self._static)
        if self._needs_own and self._answers[place] is None:
            name = self._instances[place].id
            raise _UnansweredError(f"instance {name!r}: the teacher has no answer to it")
        return _Shown(
            [
                Demo(self._instances[other].query, self._answers[other] or "")
                for other in self._chosen[place]
            ],
            [self._instances[other].id for other in self._chosen[place]],
        )


def _static(settings: GenerateSettings, method: Method) -> list[Demo]:
    if settings.demos is not None:
        return load_demos(settings.demos)
    if method.examples == "teacher":
        raise UserError(
            f"--method {settings.method}: whose answers? --demos is missing",
            "`overton make-demos --teacher MODEL --out demos.jsonl` writes them",
        )
    return own_demos()


def _teachers_answers(
    settings: GenerateSettings, instances: Sequence[Instance]
) -> list[str | None]:
    """The teacher's first sample for every query; None where it failed, or there is none."""
    if settings.teacher is None:
        raise UserError(
            f"--method {settings.method}: whose answers? --teacher is missing",
            "a JSONL of samples for the same prompts, as `--method aligned` writes it",
        )
    answers = _first_responses(settings, settings.teacher, instances)
    if not any(answers):
        raise UserError(
            f"{settings.teacher}: answers none of the prompts of {settings.instances}",
            "all its first samples failed or are empty",
        )
    return answers


def _first_responses(
    settings: GenerateSettings, file: Path, instances: Sequence[Instance]
) -> list[str | None]:
    """Sample 0 of every prompt's row in a file of samples; None where it failed or is empty.

    Raises
    ------
    UserError : a prompt within `--limit` has no row; see `load_samples`.
    """
    samples = load_samples(file)
    places = rows_of(instances, samples)
    counts = f"{len(samples.ids)} rows for {len(instances)} prompts"
    for instance, place in list(zip(instances, places, strict=True))[: settings.limit]:
        require(place, f"{file}: {counts}, none of them for instance {instance.id!r}")
    firsts = list(samples.firsts.values())
    return [None if place is None else firsts[place] or None for place in places]


def _choose(
    settings: GenerateSettings,
    method: Method,
    instances: Sequence[Instance],
    answers: Sequence[str | None],
) -> list[list[int]]:
    ids = [instance.id for instance in instances]
    answered = [place for place, answer in enumerate(answers) if answer]
    if method.choice == "random":
        return draw_others(ids, settings.k, seed=settings.seed, answered=answered)
    queries = [instance.query for instance in instances]
    if settings.embeddings is not None:
        likened = queries if method.choice == "prompt" else answers
        vectors = vectors_of(settings.embeddings, ids, likened)
        return nearest_others(vectors, settings.k, answered=answered)
    if method.choice == "prompt":
        return nearest_others(_encoded(queries, settings, method), settings.k, answered=answered)
    # What has no answer has no neighbours either, and is nobody's.
    found = [answer for answer in answers if answer]
    near = nearest_others(_encoded(found, settings, method), settings.k, answered=range(len(found)))
    chosen: list[list[int]] = [[] for _ in answers]
    for place, others in zip(answered, near, strict=True):
        chosen[place] = [answered[other] for other in others]
    return chosen


def _encoded(
    texts: Sequence[str], settings: GenerateSettings, method: Method
) -> "Float32[ndarray, 'texts dim']":
    from ..embedding.vectors import TextVectors

    if method.choice == "format" and not follows_instructions(settings.encoder):
        raise UserError(
            f"--encoder {settings.encoder}: knows no formats, only what a text is about",
            "use e5-mistral, or give --embeddings",
        )
    assert method.choice != "" and method.choice != "random"
    name, shown, longest = instructed(settings.encoder, texts, method.choice)
    vectors = TextVectors(name, cache=settings.cache, max_tokens=longest)
    return vectors.of(shown, progress="vectors")


def _hints(
    settings: GenerateSettings, method: Method, instances: Sequence[Instance]
) -> dict[InstanceId, str]:
    if not method.hint:
        return {}
    if settings.summaries is None:
        raise UserError(
            f"--method {settings.method}: --summaries is missing",
            "`overton summarize TEACHER.jsonl --judge MODEL` writes them",
        )
    summaries = _first_responses(settings, settings.summaries, instances)
    pairs = zip(instances, summaries, strict=True)
    return {instance.id: text for instance, text in pairs if text}
