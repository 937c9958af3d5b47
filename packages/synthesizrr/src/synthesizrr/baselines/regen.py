"""ReGen: no generation at all; documents near a label's words are its texts (Yu et al. 2023)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tenpapers.embedding import EmbeddingShards, Encoder, search

from ..inputs.documents import fetch_texts
from ..inputs.task import Task
from ..records import Synthetic
from ..sourcing.retrieve import embed
from ..students.classifiers import fit, student_spec
from ..students.train import predictions


def regen(
    task: Task,
    shards: EmbeddingShards,
    corpus: Path,
    *,
    top: int = 100,
    rounds: int = 2,
    student: str = "probe",
    seed: int = 42,
) -> list[Synthetic]:
    """Documents as labelled texts.

    In the first round a label's verbalizer is the query; later the kept texts of the label are.
    A document that two labels fetch goes to the one with the higher cosine. A classifier trained
    on one half judges the other, and rows that it disagrees with are dropped.

    Parameters
    ----------
    top : documents fetched for each label in each round (50 to 100 in the paper).

    Raises
    ------
    UserError : documents of one label alone.
    """
    encoder = Encoder.load(shards.meta["encoder"])
    queries: dict[str, list[str]] = {label: [words] for label, words in task.labels.items()}
    kept: list[Synthetic] = []
    for number in range(rounds):
        found = _fetched(queries, shards, encoder, top)
        texts = fetch_texts(corpus, set(found))
        rows = [
            Synthetic(id=f"regen-{name}", text=texts[name], label=label, doc_id=name, score=score)
            for name, (label, score) in sorted(found.items())
        ]
        kept = _agreed(rows, list(task.labels), student, seed + number)
        queries = {
            label: [row.text for row in kept if row.label == label] or queries[label]
            for label in task.labels
        }
    return kept


def _fetched(
    queries: dict[str, list[str]], shards: EmbeddingShards, encoder: Encoder, top: int
) -> dict[str, tuple[str, float]]:
    """Label and cosine of every fetched document; the mean of a label's queries is its query."""
    best: dict[str, tuple[str, float]] = {}
    means = np.stack([embed(texts, encoder).mean(axis=0) for texts in queries.values()])
    scores, ids = search(means, shards, top)
    for label, row, names in zip(queries, scores, ids, strict=True):
        for name, score in zip(names.tolist(), row.tolist(), strict=True):
            if name not in best or score > best[name][1]:
                best[name] = (label, float(score))
    return best


def _agreed(
    rows: Sequence[Synthetic], labels: list[str], student: str, seed: int
) -> list[Synthetic]:
    """Rows whose label the classifier trained on the other half gives too."""
    order = np.random.default_rng(seed).permutation(len(rows))
    halves = order[::2].tolist(), order[1::2].tolist()
    agreed: list[int] = []
    for fitted, judged in (halves, halves[::-1]):
        model = fit(
            [rows[index].text for index in fitted],
            [rows[index].label for index in fitted],
            student_spec(student),
            seed=seed,
            names=labels,
        )
        guesses = predictions(model, [rows[index].text for index in judged])
        agreed += [
            index
            for index, guess in zip(judged, guesses, strict=True)
            if guess == rows[index].label
        ]
    return [rows[index] for index in sorted(agreed)]
