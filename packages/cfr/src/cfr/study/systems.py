"""Every system of the study on every pool: untuned ones, trained ones, and what carries over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import read_json, write_json

from ..records import Candidates, Labels
from ..retrieval.vectors import VectorCache, VectorSource
from .corpora import Corpus
from .labels import (
    CONTROL,
    SIGNALS,
    agreement,
    equivalence_labels,
    gold_labels,
    training_rows,
)
from .rankings import ByVectors, ByWords, Fused, Ranks, Reranked, Scorer, best, first_ranks
from .settings import Study
from .tuning import Tuning, choose, tuned

# What a reader may be shown of a ranking.
TOP = 10
# What a teacher is asked of a query.
Teacher = Callable[[Sequence[Candidates]], dict[str, Any]]


def kept(journal: Journal, name: str, make: Callable[[], Any]) -> Any:
    """The value of a stage, from its file `stages/NAME.json` where it was finished.

    A value with `failed` requests above 0 does not finish it: the next run asks them again.
    """
    file = journal.file(f"stages/{name}.json")
    if not journal.done(name):
        value = make()
        write_json(file, value)
        if not (isinstance(value, dict) and value.get("failed")):
            journal.finish(name)
    return read_json(file)


@dataclass
class Systems:
    """What was found of a corpus's test queries.

    Parameters
    ----------
    ranks : by system one set of ranks for each seed.
    top : by system the best passages of each query, by `pid`; of trained ones the first seed's.
    choice : rate and steps that were tried and taken.
    rows : training rows of each system, each with its positives.
    teacher : how the teacher's labels agree with gold; None where none was asked.
    transfer : by corpus and system one set of ranks for each seed.
    """

    ranks: dict[str, list[Ranks]]
    top: dict[str, dict[str, list[str]]]
    choice: dict[str, Any]
    rows: dict[str, dict[str, int]]
    teacher: dict[str, Any] | None
    transfer: dict[str, dict[str, list[Ranks]]]


def run_averitec(
    corpus: Corpus,
    others: Sequence[Corpus],
    study: Study,
    base: VectorCache,
    journal: Journal,
    teacher: Teacher | None,
) -> Systems:
    """All rows of the table on AV-400; what was trained there is also asked on the others."""
    words, vectors = ByWords(corpus), ByVectors(corpus, base)
    untuned: dict[str, Scorer] = {
        "B1": words,
        study.base: vectors,
        f"B1, then {study.base}": Reranked(words, vectors),
    }
    found = _untuned(corpus, untuned, journal)
    candidates = best(corpus, corpus.train, words.scores(corpus.train), study.depth)
    labels = gold_labels(corpus, corpus.train, candidates)
    labels += equivalence_labels(candidates, base, hi=study.hi, lo=study.lo)
    if teacher is not None:
        given = kept(journal, "teacher", lambda: teacher(_shown(corpus, vectors, study)))
        graded = [Labels.model_validate(row) for row in given["labels"]]
        labels += _within(graded, candidates)
        found.teacher = agreement(graded, corpus.train) | given["counts"]
    _train(
        found,
        corpus,
        labels,
        candidates,
        [*SIGNALS, CONTROL],
        study,
        base,
        journal,
        batch=study.batch,
        others=others,
    )
    return found


def run_own(corpus: Corpus, study: Study, base: VectorCache, journal: Journal) -> Systems:
    """Untuned systems on a corpus with pools of its own; trained there, gold and its control."""
    words, vectors = ByWords(corpus), ByVectors(corpus, base)
    untuned: dict[str, Scorer] = {
        "B1": words,
        study.base: vectors,
        f"B1 + {study.base}": Fused(words, vectors),
    }
    found = _untuned(corpus, untuned, journal)
    if not corpus.train:
        return found
    every = len(corpus.passages)
    candidates = best(corpus, corpus.train, words.scores(corpus.train), every)
    labels = gold_labels(corpus, corpus.train, candidates)
    arms = ["A1", CONTROL]
    _train(found, corpus, labels, candidates, arms, study, base, journal, batch=study.wice_batch)
    return found


def _untuned(corpus: Corpus, systems: Mapping[str, Scorer], journal: Journal) -> Systems:
    def make() -> dict[str, Any]:
        return {name: _asked(corpus, scorer) for name, scorer in systems.items()}

    made = kept(journal, f"{corpus.name} untuned", make)
    return Systems(
        ranks={name: [one["ranks"]] for name, one in made.items()},
        top={name: one["top"] for name, one in made.items()},
        choice={},
        rows={},
        teacher=None,
        transfer={},
    )


def _asked(corpus: Corpus, scorer: Scorer) -> dict[str, Any]:
    scores = scorer.scores(corpus.test)
    top = best(corpus, corpus.test, scores, TOP)
    return {
        "ranks": first_ranks(corpus, corpus.test, scores),
        "top": {row.qid: [passage.pid for passage in row.passages] for row in top},
    }


def _train(
    found: Systems,
    corpus: Corpus,
    labels: Sequence[Labels],
    candidates: Sequence[Candidates],
    arms: Sequence[str],
    study: Study,
    base: VectorCache,
    journal: Journal,
    *,
    batch: int,
    others: Sequence[Corpus] = (),
) -> None:
    """Choose with gold's rows, then train every row with every seed."""
    gold = training_rows("A1", labels, candidates, seed=study.seed)
    view = next(iter(corpus.views))

    def choice() -> dict[str, Any]:
        taken, tried = choose(gold, study, base, corpus, batch=batch, view=view)
        return {"rate": taken.rate, "steps": taken.steps, "tried": tried}

    found.choice = kept(journal, f"{corpus.name} choice", choice)
    taken = Tuning(found.choice["rate"], found.choice["steps"], 0.0)
    for arm in arms:
        for seed in study.every_seed:
            rows = training_rows(arm, labels, candidates, seed=seed)
            positives = sum(len(row.positives) for row in rows)
            found.rows[arm] = {"rows": len(rows), "positives": positives}
            if not rows:
                continue

            def make(arm: str = arm, seed: int = seed, rows: Any = rows) -> dict[str, Any]:
                source = tuned(
                    rows,
                    study,
                    base,
                    rate=taken.rate,
                    steps=taken.steps,
                    seed=seed,
                    batch=batch,
                    show=f"{corpus.name}: {arm}, seed {seed}",
                )
                return _everywhere(corpus, others, source)

            made = kept(journal, f"{corpus.name} {arm} seed {seed}", make)
            found.ranks.setdefault(arm, []).append(made["ranks"])
            found.top.setdefault(arm, made["top"])
            for name, ranks in made["transfer"].items():
                found.transfer.setdefault(name, {}).setdefault(arm, []).append(ranks)


def _everywhere(corpus: Corpus, others: Sequence[Corpus], source: VectorSource) -> dict[str, Any]:
    transfer = {other.name: _asked(other, ByVectors(other, source))["ranks"] for other in others}
    return _asked(corpus, ByVectors(corpus, source)) | {"transfer": transfer}


def _shown(corpus: Corpus, vectors: ByVectors, study: Study) -> list[Candidates]:
    """What the teacher grades: of the first training claims the encoder's best passages."""
    claims = list(dict.fromkeys(one.query.qid.rpartition(":")[0] for one in corpus.train))
    asked = set(claims[: study.teacher_claims])
    queries = [one for one in corpus.train if one.query.qid.rpartition(":")[0] in asked]
    return best(corpus, queries, vectors.scores(queries), study.windows)


def _within(labels: Sequence[Labels], candidates: Sequence[Candidates]) -> list[Labels]:
    """Labels of queries that are trained on."""
    known = {row.qid for row in candidates}
    return [row for row in labels if row.qid in known]
