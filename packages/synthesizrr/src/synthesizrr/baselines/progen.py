"""ProGen: the rows that help a student most are the demonstrations of the next round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inversion.fewgen import fewgen_inputs
from ..inversion.teacher import generate, open_generations
from ..records import IclRow, Synthetic
from .baseline_run import BaselineRun
from .student_vectors import LOG_ZERO, number_within_label, texts_of, vectors_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int

HELPFUL = 0.5  # share of each label's rows that may be demonstrations
DAMPING = 1e-2  # of the Hessian


def progen(run: BaselineRun) -> dict[str, Any]:
    """Generate in rounds; from the second on the most helpful rows so far are the shots."""
    settings, labels = run.settings, list(run.task.labels)
    counts: dict[str, Any] = {}
    per_round = -(-settings.per_label // settings.rounds)
    for number in range(settings.rounds):
        icl: list[IclRow] = []
        if number:
            icl = helpful_rows(texts_of(run.out, run.task), labels, run.student_encoder)
        smallest = min(sum(row.label == label for row in icl) for label in labels)
        shots = min(settings.shots, smallest)
        per_label = min(per_round, settings.per_label - number * per_round)
        inputs = [
            row.model_copy(update={"id": f"progen{number}-{row.id}"})
            for row in fewgen_inputs(run.task, per_label)
        ]
        with open_generations(run.journal, run.name) as log:
            found = generate(
                inputs,
                icl,
                run.task,
                run.teacher,
                replace(settings, shots=shots),
                log=log,
                tokenizer=run.tokenizer,
                window=run.window,
                progress=f"progen, round {number + 1}",
            )
        counts[f"round {number + 1}"] = found | {"shots": shots}
    return counts


def helpful_rows(rows: Sequence[Synthetic], labels: list[str], encoder: str) -> list[IclRow]:
    """The most helpful half of each label's rows, as demonstrations."""
    numbers = np.array([labels.index(row.label) for row in rows])
    scores = helpfulness(vectors_of([row.text for row in rows], encoder), numbers, len(labels))
    chosen: list[IclRow] = []
    for number in range(len(labels)):
        same_label = np.flatnonzero(numbers == number)
        best = same_label[np.argsort(-scores[same_label], kind="stable")]
        for index in best[: max(1, int(HELPFUL * len(best)))].tolist():
            row = rows[index]
            chosen.append(
                IclRow(
                    id=row.id,
                    label=row.label,
                    example_text=row.text,
                    seed_id=row.seed_id or row.id,
                    score=float(scores[index]),
                )
            )
    return chosen


def helpfulness(
    vectors: Float[np.ndarray, "n dim"], labels: Int[np.ndarray, " n"], n_labels: int
) -> Float[np.ndarray, " n"]:
    """How much giving a row more weight lowers the validation loss, float64 [N].

    Influence functions (Koh and Liang 2017) for logistic regression on frozen vectors: training
    rows are every second one of a label, the others are for validation (both are synthetic), with
    the reverse cross-entropy as their loss. The Hessian is never formed: conjugate gradients need
    its products only.

    Parameters
    ----------
    vectors : float64 [N, d], a constant among them; labels : int [N] from 0 to n_labels - 1.
    """
    from scipy.sparse.linalg import LinearOperator, cg
    from sklearn.linear_model import LogisticRegression

    train = number_within_label(labels) % 2 == 0
    if len(set(labels[train])) < 2:
        return np.zeros(len(labels))
    model = LogisticRegression(max_iter=1000, fit_intercept=False).fit(
        vectors[train], labels[train]
    )
    probs = np.zeros((len(labels), n_labels))
    probs[:, model.classes_] = model.predict_proba(vectors)
    target = np.eye(n_labels)[labels]
    valid = ~train if (~train).any() else train
    # d RCE / d logits, as ln y is 0 at the label and LOG_ZERO elsewhere.
    right = probs[valid, labels[valid]][:, None]
    slope = LOG_ZERO * right * (target[valid] - probs[valid])
    gradient = vectors[valid].T @ slope / valid.sum()
    width = vectors.shape[1]

    def product(flat: Float[np.ndarray, " size"]) -> Float[np.ndarray, " size"]:
        direction = flat.reshape(width, n_labels)
        along = vectors[train] @ direction
        p = probs[train]
        curved = p * along - p * (p * along).sum(axis=1, keepdims=True)
        return np.asarray(vectors[train].T @ curved / train.sum() + DAMPING * direction).ravel()

    size = width * n_labels
    solved, _ = cg(LinearOperator((size, size), matvec=product), gradient.ravel(), maxiter=200)
    direction = solved.reshape(width, n_labels)
    # Gradient of a row's cross-entropy is x (p - y)^T.
    return np.asarray(((vectors @ direction) * (probs - target)).sum(axis=1))
