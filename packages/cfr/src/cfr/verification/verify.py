"""Verdicts on a file of claims, or on one claim, kept as they come."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by

from ..records import Claim, Verdict
from ..retrieval.encoder import identity_of
from ..retrieval.filters import FilterSettings
from ..retrieval.search import Searcher, SearchSettings
from ..scoring.averitec import NO_ANSWER
from ..scoring.labels import LABEL_SETS
from ..scoring.references import read_labelled
from .bounds import bounded
from .judge import Judge
from .pipeline import Counted, Stages, checked
from .settings import VerifySettings

# A claim that was given as text.
ONE = "claim"


@dataclass(frozen=True)
class Verified:
    """What a run came to.

    Parameters
    ----------
    rows : verdicts, in the order of the claims.
    claims : how many there were.
    counted : what happened on the way of this run's claims.
    """

    rows: Sequence[Verdict]
    claims: int
    counted: Counted

    def counts(self) -> dict[str, Any]:
        """For a table and for JSON: verdicts, those that could not be read, and the rest."""
        return {
            "claims": self.claims,
            "verdicts": len(self.rows),
            "parse_failed": sum(row.parse_failed for row in self.rows),
            "no_verdict": self.claims - len(self.rows),
            "questions": self.counted.questions,
            "not_answered": self.counted.unanswered,
            "without_questions": self.counted.without_questions,
            "passages_left_out": sum(self.counted.removed.values()),
            **self.counted.outcomes,
        }


def verify_file(
    settings: VerifySettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Verified:
    """Verdicts on claims, into `out`; what is there already is kept.

    Raises
    ------
    UserError : no claims, or both kinds of them; `out` holds a run of other models, settings or
        inputs; see `retrieval.search.Searcher` and `Judge`.
    """
    claims, counted = claims_of(settings), Counted()
    with (
        _opened(settings, counted) as (verdicts, known),
        Journal.of_file(
            out,
            key=key_of("cfr verify", settings, **known),
            inputs=files_of(settings),
            overwrite=overwrite,
            wait=wait,
        ) as journal,
    ):
        log = journal.rows(out.name, key=lambda row: str(row["claim_id"]))
        with log:
            for verdict in verdicts(log.missing(claims, key=lambda claim: str(claim.claim_id))):
                log.write(verdict)
            log.close(order=[str(claim.claim_id) for claim in claims])
    rows = [Verdict.model_validate(row) for row in log.rows.values()]
    return Verified(rows, len(claims), counted)


def verify_now(settings: VerifySettings) -> Verified:
    """Verdicts that are kept nowhere.

    Raises
    ------
    UserError : see `verify_file`.
    """
    claims, counted = claims_of(settings), Counted()
    with _opened(settings, counted) as (verdicts, _):
        found = {str(one.claim_id): one for one in verdicts(claims)}
    names = [str(claim.claim_id) for claim in claims]
    return Verified([found[name] for name in names if name in found], len(claims), counted)


def claims_of(settings: VerifySettings) -> list[Claim]:
    """The claims of a file, or the one that was given as text.

    Raises
    ------
    UserError : neither, or both; see `scoring.references.read_labelled`.
    """
    if (settings.claims is None) == (settings.claim is None):
        raise UserError("verify: no claims" if settings.claims is None else "verify: two sources")
    if settings.claims is not None:
        return read_labelled(settings.claims, settings.labels)[: settings.limit]
    text = (settings.claim or "").strip()
    if not text:
        raise UserError("--claim: the claim is empty")
    return [Claim(claim_id=ONE, claim=text)]


@contextmanager
def _opened(
    settings: VerifySettings, counted: Counted
) -> Iterator[tuple[Callable[[Sequence[Claim]], Iterator[Verdict]], dict[str, Any]]]:
    """What gives verdicts on claims, and by what each of its models is known."""
    found = settings.evidence == "found"
    if found and (settings.index is None or settings.reader is None):
        raise UserError(
            "--evidence found: needs --index and --reader", "or pass --evidence gold, or none"
        )
    with ExitStack() as held:
        known: dict[str, Any] = {}

        def opened(name: str, spec: str) -> Generator:
            model = held.enter_context(open_generator(spec, cache=settings.cache))
            known[name] = known_by(spec, model.backend.identity)
            return model

        judge = Judge(
            opened("judge", settings.judge),
            LABEL_SETS[settings.labels],
            examples=settings.examples,
            prompts=settings.prompts,
            max_new_tokens=settings.verdict_tokens,
            seed=settings.seed,
        )
        if settings.index is None or settings.reader is None or not found:
            gold = settings.evidence == "gold"
            yield (lambda claims: bounded(claims, judge, counted, gold=gold)), known
            return
        if settings.model is not None:
            known["model"] = known_by(settings.model, identity_of(settings.model))
        stages = Stages(
            _searcher(settings.index, settings),
            opened("reader", settings.reader),
            judge,
            k=settings.k,
            filters=FilterSettings() if settings.filters else None,
            decomposer=opened("decomposer", settings.decomposer) if settings.decomposer else None,
            own_questions=settings.own_questions,
            answer_tokens=settings.answer_tokens,
            prompts=settings.prompts,
            seed=settings.seed,
        )
        yield (lambda claims: checked(claims, stages, counted)), known


def _searcher(index: Path, settings: VerifySettings) -> Searcher:
    return Searcher(
        index,
        SearchSettings(
            mode=settings.mode,
            model=settings.model,
            first_stage_k=settings.first_stage_k,
            query_format=settings.query_format,
            within=settings.within,
            cache=settings.cache,
        ),
    )


def told(verdict: Verdict) -> str:
    """A verdict with its evidence, for a reader: what was asked, what was found, and where."""
    lines = [
        f"{verdict.pred_label}{' (no label could be read)' if verdict.parse_failed else ''}",
        "",
    ]
    for number, one in enumerate(verdict.evidence, 1):
        lines += [f"{number}. {one.question}", f"   {one.answer or NO_ANSWER}"]
        if one.url:
            lines.append(f"   {one.url}")
    said = [line for line in verdict.raw.splitlines() if line.strip()]
    return "\n".join([*lines, "", *said]).strip()
