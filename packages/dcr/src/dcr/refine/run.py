"""A recipe over a file of responses, step by step, each kept as it comes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tenpapers.errors import UserError
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.sentences import EmptyDocumentError

from ..critique.critic import Critic, CriticOptions, options_of
from ..critique.open_critic import critic_identity, needs_detector, open_critic
from ..critique.stage import Counted, kept_rows
from ..inputs.instances import read_instances, read_rows
from ..records import Critiqued, Detected, EmptyResponseError, Instance, Refined
from .open_refiner import open_refiner, refiner_identity, told_by
from .recipes import (
    check_told,
    detected_rows,
    refined_rows,
    steps_of,
    with_critiques,
)
from .refiner import RefinerOptions
from .settings import ApplySettings, RefineSettings

if TYPE_CHECKING:
    from ..detect.detector import Detector

RowT = TypeVar("RowT", bound=Instance)
ItemT = TypeVar("ItemT", bound=Instance)
DETECTED, CRITIQUED, REFINED = "detected.jsonl", "critiqued.jsonl", "refined.jsonl"


@dataclass(frozen=True)
class RefineCounts:
    """What came of responses.

    Parameters
    ----------
    supported : unchanged, since all their sentences are supported.
    changed, unchanged : by the refiner.
    rejected : kept as they were, since what the refiner wrote cannot stand in for them; the
        reasons are counted beside it.
    cleaned : of which something was cut off around the refinement.
    calls : requests to language models.
    failed : of which a request got no answer; they have no row.
    """

    responses: int
    supported: int
    changed: int
    unchanged: int
    rejected: int
    rejections: dict[str, int]
    cleaned: int
    critiques: int
    unparsed: int
    calls: int
    failed: int

    def row(self) -> dict[str, Any]:
        """For a table and for JSON, a column a reason."""
        values = dict(vars(self))
        reasons = values.pop("rejections")
        return values | {f"rejected: {name}": count for name, count in reasons.items()}


class Run(NamedTuple):
    """Refined responses in the order of the input, and what happened on the way."""

    rows: list[Refined]
    counts: RefineCounts
    counted: Counted


def apply_file(
    settings: ApplySettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Run:
    """Refine criticised responses, into `out/refined.jsonl`.

    Raises
    ------
    UserError : rows that do not fit together; `out` holds a run of another refiner, other settings
        or inputs; see `open_refiner`.
    """
    rows = read_rows(settings.critiqued, Critiqued, limit=settings.limit)
    known = known_by(settings.refiner, refiner_identity(settings.refiner))
    key = key_of("dcr apply", settings, refiner=known)
    given = {"key": key, "inputs": files_of(settings), "overwrite": overwrite, "wait": wait}
    counted = Counted()
    with Journal.of_file(out / REFINED, **given) as journal:  # type: ignore[arg-type]
        refined = _refine(journal, rows, settings, counted)
    return Run(refined, counts_of(refined, len(rows)), counted)


def refine_file(
    settings: RefineSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Run:
    """Detect, criticise and refine, into three files in `out`; one model is held at a time.

    Raises
    ------
    UserError : a component is missing or unknown; `out` holds a run of other components, settings
        or inputs.
    """
    instances, counted = instances_of(settings), Counted()
    with ExitStack() as held:
        detector = _detector(settings, held)
        key = key_of("dcr refine", settings, **_known(settings, detector))
        given = {"key": key, "inputs": files_of(settings), "overwrite": overwrite, "wait": wait}
        with Journal(out, **given) as journal:  # type: ignore[arg-type]
            steps = _Steps(settings, detector, held, counted, journal)
            rows = steps.refined(instances)
    return Run(rows, counts_of(rows, len(instances)), counted)


def refine_now(settings: RefineSettings) -> Run:
    """Detect, criticise and refine; nothing is written.

    Raises
    ------
    UserError : see `refine_file`.
    """
    instances, counted = instances_of(settings), Counted()
    with ExitStack() as held:
        detector = _detector(settings, held)
        _known(settings, detector)
        rows = _Steps(settings, detector, held, counted).refined(instances)
    return Run(rows, counts_of(rows, len(instances)), counted)


def instances_of(settings: RefineSettings) -> list[Instance]:
    """The responses of a file, or the one that lies in a text file beside its document.

    Raises
    ------
    UserError : neither, or both; half a pair; see `read_instances`.
    """
    pair = settings.document, settings.response
    if settings.responses is not None and not any(pair):
        return read_instances(settings.responses, limit=settings.limit)
    if settings.responses is not None:
        raise UserError("refine: a file of responses and a pair", "pass one of them")
    if settings.document is None or settings.response is None:
        raise UserError("refine: no responses", "a JSONL file, or --document FILE --response FILE")
    instance = Instance(
        id=settings.response.name,
        document=_text(settings.document),
        response=_text(settings.response).strip(),
        topic=settings.topic,
        instruction=settings.instruction,
    )
    if not instance.response:
        raise EmptyResponseError(f"{settings.response}: the response is empty")
    if not instance.document.strip():
        raise EmptyDocumentError(f"{settings.document}: the document is empty")
    return [instance]


def counts_of(rows: Sequence[Refined], responses: int) -> RefineCounts:
    """Count what came of responses."""
    asked = [row for row in rows if not row.response_ok]
    critiques = [one for row in rows for one in row.critiques]
    return RefineCounts(
        responses=responses,
        supported=len(rows) - len(asked),
        changed=sum(row.changed for row in asked),
        unchanged=sum(not row.changed and not row.rejected for row in asked),
        rejected=sum(row.rejected for row in asked),
        rejections=dict(Counter(row.rejection for row in asked if row.rejected)),
        cleaned=sum(row.cleaned for row in asked),
        critiques=len(critiques),
        unparsed=sum(one.verdict == "unparsed" for one in critiques),
        calls=sum(row.calls for row in rows),
        failed=responses - len(rows),
    )


@dataclass(frozen=True)
class _Steps:
    """The steps of a recipe, one after another over all responses; one model is held at a time.

    Parameters
    ----------
    held : closes the detector, as soon as no step looks at it any more.
    journal : None writes nothing.
    """

    settings: RefineSettings
    detector: "Detector | None"
    held: ExitStack
    counted: Counted
    journal: Journal | None = None

    def refined(self, instances: Sequence[Instance]) -> list[Refined]:
        """All steps."""
        steps = steps_of(self.settings.recipe)
        journal = self.journal
        detected = _kept(
            journal if steps.detects else None, DETECTED, Detected, instances, self._detect
        )
        if not needs_detector(self.settings.critic or ""):
            self.held.close()
        with ExitStack() as held:
            critiqued = _kept(
                journal if steps.criticises else None,
                CRITIQUED,
                Critiqued,
                detected,
                lambda missing: self._criticise(missing, held),
            )
        return _refine(journal, critiqued, self.settings, self.counted)

    def _detect(self, missing: Sequence[Instance]) -> Iterable[Detected]:
        return detected_rows(missing, self.settings.recipe, self.detector)

    def _criticise(self, missing: Sequence[Detected], held: ExitStack) -> Iterable[Critiqued]:
        critic = _critic(self.settings, self.detector, held)
        recipe = self.settings.recipe
        return with_critiques(missing, recipe, critic, self.counted, progress="critiques")


def _kept(
    journal: Journal | None,
    name: str,
    kind: type[RowT],
    items: Sequence[ItemT],
    make: Callable[[Sequence[ItemT]], Iterable[RowT]],
) -> list[RowT]:
    """Rows of a step in the items' order; in a file where there is a journal."""
    if journal is not None:
        return kept_rows(journal, name, kind, items, make)
    made = {row.id: row for row in make(items)}
    return [made[item.id] for item in items if item.id in made]


def _refine(
    journal: Journal | None,
    rows: Sequence[Critiqued],
    settings: RefineSettings | ApplySettings,
    counted: Counted,
) -> list[Refined]:
    with ExitStack() as held:

        def refine(missing: Sequence[Critiqued]) -> Iterable[Refined]:
            refiner = open_refiner(settings.refiner, options_of(RefinerOptions, settings))
            held.callback(refiner.close)
            return refined_rows(missing, refiner, counted, settings.samples, progress="refinements")

        return _kept(journal, REFINED, Refined, rows, refine)


def _detector(settings: RefineSettings, held: ExitStack) -> "Detector | None":
    """The detector, where a step needs one."""
    from ..detect.open_detector import open_detector

    steps = steps_of(settings.recipe)
    looked_at = steps.criticises and settings.critic and needs_detector(settings.critic)
    if not (steps.detects or looked_at):
        return None
    detector = open_detector(
        settings.detector,
        threshold=settings.threshold,
        min_words=settings.min_words,
        prompts=settings.prompts,
        cache=settings.cache,
    )
    held.callback(detector.close)
    return detector


def _critic(
    settings: RefineSettings, detector: "Detector | None", held: ExitStack
) -> Critic | None:
    if not steps_of(settings.recipe).criticises or settings.critic is None:
        return None
    variant = "with_correct" if settings.recipe == "feed_refine" else "without_correct"
    options = options_of(CriticOptions, settings, variant=variant)
    critic = open_critic(settings.critic, options, detector=detector)
    held.callback(critic.close)
    return critic


def _known(settings: RefineSettings, detector: "Detector | None") -> dict[str, Any]:
    """By what the components are known; those that a recipe does not have count for nothing.

    Raises
    ------
    UserError : a component is unknown, or missing.
    """
    steps = steps_of(settings.recipe)
    found: dict[str, Any] = {"detector": None, "critic": None}
    if detector is not None:
        found["detector"] = known_by(settings.detector, detector.identity)
    if steps.criticises:
        if settings.critic is None:
            raise UserError(f"recipe {settings.recipe}: needs a critic", "--critic")
        looked_at = detector.identity if detector else None
        found["critic"] = known_by(settings.critic, critic_identity(settings.critic, looked_at))
    check_told(settings.recipe, settings.refiner, told_by(settings.refiner))
    found["refiner"] = known_by(settings.refiner, refiner_identity(settings.refiner))
    return found


def _text(file: Path) -> str:
    """A text file of the user's.

    Raises
    ------
    UserError : it is not there, or no UTF-8 text.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file}: not UTF-8 text") from None
