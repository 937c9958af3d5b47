"""A judge over a file of samples, verdict by verdict, kept as they come."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tenpapers.closing import Closing
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Request, Sampling, open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by

from ..inputs.matching import queries_for
from ..inputs.parse_judgement import parse_judgement
from ..inputs.samples import load_samples
from ..records import InstanceId, JudgeKind, Judgement, SampleSet
from .local_stance import LOCAL, Agreement, LocalStance
from .prompts import question
from .settings import JudgeSettings

Row = dict[str, Any]
# What `local-stance` says of a response in which it knows no word; a verdict that is not read.
NOTHING_KNOWN = f"{LOCAL} knows no word of this response"
# Judges that compare two responses.
PAIRS: tuple[JudgeKind, ...] = ("missing", "topics")


@dataclass(frozen=True)
class Case:
    """One response to be judged; of a pair, with the reference.

    Parameters
    ----------
    index : of the response among its question's samples.
    """

    instance_id: InstanceId
    index: int
    query: str
    response: str
    reference: str | None = None

    @property
    def id(self) -> str:
        """Of the request."""
        return f"{self.instance_id}|{self.index}"


@dataclass(frozen=True)
class Judged:
    """What a run of `judge` left in its file, counted by verdict.

    Parameters
    ----------
    ok : verdicts that could be read, those that are `N/A` among them.
    not_applicable : verdicts with an `N/A` in them.
    refused, filtered, truncated : how judges ended that gave no verdict; each is one of the
        statuses `bad_json`, `missing_key` and `out_of_range` too.
    no_response : samples that failed, about which nobody was asked.
    agreement : of `local-stance` with the recorded judge.
    """

    verdicts: int
    ok: int
    not_applicable: int
    call_failed: int
    bad_json: int
    missing_key: int
    out_of_range: int
    refused: int
    filtered: int
    truncated: int
    no_response: int
    agreement: Agreement | None = None


def judge(
    settings: JudgeSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Judged:
    """Ask a judge about every sample of a file, into `out`; what is there already is kept.

    Raises
    ------
    UserError : a pair without `--reference`; samples without their prompts; `out` holds a run of
        another judge, other settings or inputs; see `load_samples` and `LocalStance.train`.
    """
    samples = load_samples(settings.samples)
    cases = list(_cases(settings, samples))
    with _opened(settings) as judge_model:
        key = key_of(
            "overton judge", settings, judge=known_by(settings.judge, judge_model.identity)
        )
        with Journal.of_file(
            out, key=key, inputs=files_of(settings), overwrite=overwrite, wait=wait
        ) as journal:
            log = journal.rows(out.name, key=_key, failed=_has_failed)
            with log:
                for case, done in judge_model.verdicts(log.missing(cases)):
                    log.write(_row(settings, samples, case, done))
                log.close(order=[case.id for case in cases])
    unanswered = _unanswered(settings, samples)
    return _counted(list(log.rows.values()), unanswered, judge_model.agreement)


class _Model(Closing):
    """A judge that is a language model."""

    agreement = None

    def __init__(self, settings: JudgeSettings) -> None:
        self._settings = settings
        self._model = open_generator(settings.judge, cache=settings.cache)
        self.identity: object = self._model.backend.identity

    def verdicts(self, cases: Sequence[Case]) -> Iterator[tuple[Case, Completion]]:
        by_id = {case.id: case for case in cases}
        requests = [_request(self._settings, case) for case in cases]
        for done in self._model.stream(requests, progress=f"{self._settings.kind}, verdicts"):
            yield by_id[done.id], done

    def close(self) -> None:
        self._model.close()


class _Local(Closing):
    """The judge that is a classifier; what it says is written as a model would."""

    def __init__(self, settings: JudgeSettings) -> None:
        if settings.kind != "stance":
            raise UserError(f"{LOCAL}: judges stances alone", "overton judge stance ...")
        self._classifier = LocalStance.train()
        self.identity: object = self._classifier.identity
        self.agreement = self._classifier.agreement

    def verdicts(self, cases: Sequence[Case]) -> Iterator[tuple[Case, Completion]]:
        stances = self._classifier.label([case.response for case in cases])
        for case, stance in zip(cases, stances, strict=True):
            text = json.dumps({"stance": stance}) if stance else NOTHING_KNOWN
            yield case, Completion(id=case.id, text=text, finish_reason="stop")

    def close(self) -> None:
        """Nothing is held."""


def _opened(settings: JudgeSettings) -> _Model | _Local:
    return _Local(settings) if settings.judge == LOCAL else _Model(settings)


def _key(row: Row) -> str:
    metadata = row["metadata"]
    index = metadata.get("sample_index", metadata.get("alt_sample_index"))
    return f"{metadata['instance_id']}|{index}"


def _has_failed(row: Row) -> bool:
    return bool(row["status"] == "call_failed")


def _cases(settings: JudgeSettings, samples: SampleSet) -> Iterator[Case]:
    """What is to be judged: samples that did not fail; of pairs, where the reference did not."""
    paired = settings.kind in PAIRS
    references: dict[InstanceId, str | None] = {}
    if paired:
        if settings.reference is None:
            raise UserError(
                f"judge {settings.kind}: compares two responses, --reference is missing",
                "samples of the model that is compared with",
            )
        other = load_samples(settings.reference).aligned_with(samples)
        references = other.firsts
    queries = queries_for(samples.ids[: settings.limit], samples, settings.instances)
    # No more than are judged: responses lie on disk until they are looked at.
    for name, texts in islice(zip(samples.ids, samples.texts, strict=True), settings.limit):
        for index, text in enumerate(texts[: settings.first]):
            reference = references.get(name)
            if text is not None and not (paired and reference is None):
                yield Case(name, index, queries[name], text, reference)


def _unanswered(settings: JudgeSettings, samples: SampleSet) -> int:
    return sum(
        text is None
        for texts in samples.texts[: settings.limit]
        for text in texts[: settings.first]
    )


def _request(settings: JudgeSettings, case: Case) -> Request:
    messages = question(
        settings.kind, case.query, case.response, case.reference, folder=settings.prompts
    )
    sampling = Sampling(max_tokens=settings.max_new_tokens, seed=settings.seed)
    return Request(id=case.id, messages=messages, sampling=sampling)


def _row(settings: JudgeSettings, samples: SampleSet, case: Case, done: Completion) -> Row:
    value, status = parse_judgement(settings.kind, None if done.failed else done.text)
    verdict = Judgement(
        kind=settings.kind,
        model=samples.model,
        instance_id=case.instance_id,
        sample_index=case.index,
        ref_sample_index=0 if settings.kind in PAIRS else None,
        raw=done.text,
        value=value,
        status=status,
    )
    return verdict.row() | {"finish_reason": done.outcome}


def _counted(rows: Sequence[Row], no_response: int, agreement: Agreement | None) -> Judged:
    status = Counter(row["status"] for row in rows)
    unread = Counter(row["finish_reason"] for row in rows if row["status"] != "ok")
    return Judged(
        verdicts=len(rows),
        ok=status["ok"],
        not_applicable=sum(row["status"] == "ok" and _says_na(row["value"]) for row in rows),
        call_failed=status["call_failed"],
        bad_json=status["bad_json"],
        missing_key=status["missing_key"],
        out_of_range=status["out_of_range"],
        refused=unread["refused"],
        filtered=unread["filtered"],
        truncated=unread["length"],
        no_response=no_response,
        agreement=agreement,
    )


def _says_na(value: object) -> bool:
    """Whether a verdict that was read has an `N/A`: all of it, an aspect or a topic."""
    if isinstance(value, dict):
        return None in value.values()
    if isinstance(value, list):
        return any(topic["helpfulness"] is None for topic in value)
    return value is None
