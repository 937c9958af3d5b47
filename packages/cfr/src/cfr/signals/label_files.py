"""The signals over files: labels of each query kept as they come and counted, training rows."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tenpapers.generation import open_generator
from tenpapers.journal import Journal, RowLog, files_of, key_of, known_by
from tenpapers.records import write_jsonl

from ..inputs.claims import read_claims
from ..inputs.files import read_candidates, read_labels, require_distinct
from ..records import Candidates, Labels
from ..retrieval.encoder import Encoder, identity_of
from .combine import TrainingCounts, combine_labels
from .counts import LabelCounts, count_labels
from .distill import distilled
from .gold import gold
from .hardness import best_first
from .references import questions_by_qid, right_answers
from .settings import DistillSettings, GoldSettings, LercSettings, MakeTrainSettings

ModelSettings = DistillSettings | LercSettings


def label_by_gold(settings: GoldSettings, out: Path) -> LabelCounts:
    """Label by annotated evidence, into `out`.

    Raises
    ------
    UserError : see `read_candidates`, `read_claims` and `gold`; `out` is not this command's.
    """
    command = "cfr signals gold"
    with Journal.once(out, command=command, inputs=files_of(settings)) as journal:
        candidates = read_candidates(settings.candidates)
        claims = read_claims(settings.references)
        rows = gold(candidates, claims, pseudo_evidence=settings.pseudo_evidence)
        write_jsonl(journal.file(out.name), [row.row() for row in rows])
    stand_ins = sum(len(row.passages) for row in rows)
    return count_labels(rows, notes=[("answers that stand in for lost pages", stand_ins)])


def label_by_teacher(
    settings: DistillSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> LabelCounts:
    """Label by a teacher's judgement, into `out`; what is there already is kept.

    Raises
    ------
    UserError : see `read_candidates` and `distill`; `out` holds a run of other settings or inputs.
    """
    candidates = read_candidates(settings.candidates)
    with open_generator(settings.teacher, cache=settings.cache) as teacher:

        def run(missing: Sequence[Candidates]) -> Iterable[tuple[Labels, dict[str, int]]]:
            for one in distilled(
                missing,
                teacher,
                mode=settings.mode,
                windows=settings.windows,
                folder=settings.prompts,
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
                progress="teacher",
            ):
                yield (
                    one.labels,
                    {
                        "entries ignored": one.ignored,
                        "replies asked for again": int(one.retried),
                        "failed": one.failed,
                    },
                )

        known = known_by(settings.teacher, teacher.backend.identity)
        return _kept("distill", settings, out, candidates, run, overwrite, wait, teacher=known)


def label_by_answers(
    settings: LercSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> LabelCounts:
    """Label by answer equivalence, into `out`; what is there already is kept.

    Raises
    ------
    UserError : see `read_candidates`, `read_claims`, `open_scorer` and `require_bounds`; `out`
        holds a run of other settings or inputs.
    """
    from ..equivalence.answer_scores import open_scorer
    from .lerc import equivalences, require_bounds

    require_bounds(settings.hi, settings.lo)
    candidates = read_candidates(settings.candidates)
    answers = None
    if settings.references is not None:
        questions = questions_by_qid(candidates, read_claims(settings.references))
        answers = {qid: right_answers(question) for qid, question in questions.items()}
    with (
        open_scorer(
            settings.scorer,
            model=settings.scorer_model,
            prompts=settings.prompts,
            max_new_tokens=settings.scorer_tokens,
            cache=settings.cache,
        ) as scorer,
        open_generator(settings.reader, cache=settings.cache) as reader,
    ):

        def run(missing: Sequence[Candidates]) -> Iterable[tuple[Labels, dict[str, int]]]:
            for one in equivalences(
                missing,
                reader,
                scorer,
                answers=answers,
                windows=settings.windows,
                hi=settings.hi,
                lo=settings.lo,
                folder=settings.prompts,
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
                progress="reader",
            ):
                yield (
                    one.labels.model_copy(update=scorer.told),
                    {
                        "windows that do not answer": one.unanswered,
                        "answers cut by the limit": one.cut,
                        "requests refused or filtered": one.refused,
                        **{f"grades {why}": count for why, count in one.ungraded.items()},
                        "failed": one.failed,
                    },
                )

        return _kept(
            "lerc",
            settings,
            out,
            candidates,
            run,
            overwrite,
            wait,
            reader=known_by(settings.reader, reader.backend.identity),
            **scorer.known(settings.scorer_model),
        )


def make_train(settings: MakeTrainSettings, out: Path) -> TrainingCounts:
    """Make training rows from files of labels, into `out`.

    Raises
    ------
    UserError : see `read_labels`, `read_candidates` and `combine_labels`; two rows of one signal
        for a query; `out` is not this command's.
    """
    inputs = [settings.candidates, *settings.labels]
    with Journal.once(out, command="cfr make-train", inputs=inputs) as journal:
        labels = [row for file in settings.labels for row in read_labels(file)]
        require_distinct(
            settings.labels[-1], "signal of a query", (f"{r.signal} of {r.qid}" for r in labels)
        )
        rows, counts = combine_labels(
            labels,
            read_candidates(settings.candidates),
            combine=settings.combine,
            hard_negatives=settings.hard_negatives,
            encoder=Encoder.for_search(settings.encoder) if settings.encoder else None,
            seed=settings.seed,
        )
        write_jsonl(journal.file(out.name), rows)
    return counts


Run = Callable[[Sequence[Candidates]], Iterable[tuple[Labels, dict[str, int]]]]
_NOTED = "noted"


def _kept(
    signal: str,
    settings: ModelSettings,
    out: Path,
    candidates: Sequence[Candidates],
    run: Run,
    overwrite: bool,
    wait: bool,
    **known: Any,
) -> LabelCounts:
    """Run a signal over the queries that have no row yet, and count all rows."""
    if settings.encoder:
        known["encoder"] = known_by(settings.encoder, identity_of(settings.encoder))
    key = key_of(f"cfr signals {signal}", settings, **known)
    with Journal.of_file(
        out, key=key, inputs=files_of(settings), overwrite=overwrite, wait=wait
    ) as journal:
        log = journal.rows(out.name, key=lambda row: str(row["qid"]))
        with log:
            missing = log.missing(candidates, key=lambda row: row.qid)
            if settings.encoder and missing:
                missing = best_first(missing, Encoder.for_search(settings.encoder))
            for labels, noted in run(missing):
                log.write(labels.row() | {_NOTED: {n: c for n, c in noted.items() if c}})
            log.close(order=[row.qid for row in candidates])
    return _counted(log)


def _counted(log: RowLog) -> LabelCounts:
    rows = list(log.rows.values())
    names = sorted({name for row in rows for name in row[_NOTED]} - {"failed"})
    notes = [(name, sum(row[_NOTED].get(name, 0) for row in rows)) for name in names]
    failed = sum(row[_NOTED].get("failed", 0) for row in rows)
    labels = [Labels.model_validate(row) for row in rows]
    return count_labels(labels, failed=failed, notes=notes)
