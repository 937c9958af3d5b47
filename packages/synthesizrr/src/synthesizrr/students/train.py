"""Students: what a data set is worth, as the accuracy of a small model trained on it."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from tenpapers.errors import UserError

from ..records import Labelled
from .classifiers import Classifier, StudentSpec, fit

Spread = Literal["seeds", "resampled rows"]
LEARNING_RATES = (2e-5, 5e-5, 1e-4)
# Share of the training rows that hyper-parameters are chosen on, where no others are given.
HELD_OUT = 0.2


@dataclass(frozen=True)
class Grades:
    """How well labels were predicted; `confusion[true][predicted]` counts rows."""

    accuracy: float
    macro_f1: float
    confusion: dict[str, dict[str, int]]


@dataclass(frozen=True)
class StudentResult:
    """Runs of one student.

    Parameters
    ----------
    student : recipe, after a search with the chosen values.
    n_train, n_test : rows.
    mean, std : test accuracy over the runs; std is the sample's, None for one run.
    macro_f1 : over the runs.
    spread : over what std is. A fine-tuned student's runs differ by their seeds. A probe has one
        optimum: its mean and macro_f1 are those of the fit on all rows, and its runs are fits on
        bootstrap samples of the rows.
    runs : grades of each run, its seed, and the test accuracy after each epoch.
    search : validation accuracy of every setting tried, where there was a search.
    """

    student: StudentSpec
    n_train: int
    n_test: int
    mean: float
    std: float | None
    macro_f1: float
    spread: Spread
    runs: list[dict[str, Any]]
    search: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """As `student.json` holds it."""
        return asdict(self)


def grade(true: Sequence[str], predicted: Sequence[str]) -> Grades:
    """Accuracy, macro-F1 and confusion matrix (scikit-learn)."""
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    names = sorted(set(true) | set(predicted))
    table = confusion_matrix(true, predicted, labels=names).tolist()
    return Grades(
        accuracy=float(accuracy_score(true, predicted)),
        macro_f1=float(f1_score(true, predicted, average="macro", zero_division=0)),
        confusion={
            name: dict(zip(names, counts, strict=True))
            for name, counts in zip(names, table, strict=True)
        },
    )


def predictions(classifier: Classifier, texts: Sequence[str]) -> list[str]:
    """Likeliest label of every text."""
    return [classifier.labels[best] for best in classifier.probs(texts).argmax(axis=1).tolist()]


def train_student(
    train: Sequence[Labelled],
    test: Sequence[Labelled],
    spec: StudentSpec,
    runs: int = 5,
    *,
    seed: int = 42,
    validation: Sequence[Labelled] | None = None,
    search: bool = False,
    curve: bool = True,
    progress: str | None = None,
) -> StudentResult:
    """Train a student several times and grade it on the test set.

    The last state of a run counts. With `search`, learning rate and batch are first chosen by
    accuracy on `validation` (by default 20 % of the training rows, held out for that). `curve`
    also grades after each epoch.

    Raises
    ------
    UserError : a test label without a training row.
    """
    missing = {row.label for row in test} - {row.label for row in train}
    if missing:
        raise UserError(f"the training set has no row of label {', '.join(sorted(missing))}")
    tried: list[dict[str, Any]] = []
    if search:
        spec, tried = searched(train, spec, validation, seed=seed, progress=progress)
    texts, labels = [row.text for row in train], [row.label for row in train]
    test_texts, true = [row.text for row in test], [row.label for row in test]
    done: list[dict[str, Any]] = []
    grades: list[Grades] = []
    for number in range(runs):
        epochs: list[float] = []

        def note(epoch: int, student: Classifier, epochs: list[float] = epochs) -> None:
            epochs.append(grade(true, predictions(student, test_texts)).accuracy)

        fitted = fit(
            texts,
            labels,
            spec,
            seed=seed + number,
            resampled=True,
            on_epoch=note if curve and not spec.probe else None,
            progress=f"{progress or spec.name}, run {number + 1}" if progress else None,
        )
        grades.append(grade(true, predictions(fitted, test_texts)))
        done.append({"seed": seed + number, "epochs": epochs} | asdict(grades[-1]))
    accuracies = [grades_of_run.accuracy for grades_of_run in grades]
    whole = grades
    if spec.probe:
        whole = [grade(true, predictions(fit(texts, labels, spec, seed=seed), test_texts))]
    return StudentResult(
        spec,
        len(train),
        len(test),
        statistics.fmean(grades_of_fit.accuracy for grades_of_fit in whole),
        statistics.stdev(accuracies) if runs > 1 else None,
        statistics.fmean(grades_of_fit.macro_f1 for grades_of_fit in whole),
        "resampled rows" if spec.probe else "seeds",
        done,
        tried,
    )


def grid(spec: StudentSpec) -> list[StudentSpec]:
    """Settings of the search: three rates, and the batch a quarter, as it is, or fourfold."""
    settings = []
    for lr, factor in itertools.product(LEARNING_RATES, (0.25, 1, 4)):
        if spec.accumulation >= 4:
            change = {"accumulation": int(spec.accumulation * factor)}
        else:
            change = {"micro_batch": max(1, int(spec.micro_batch * factor))}
        settings.append(replace(spec, lr=lr, **change))  # type: ignore[arg-type]
    return settings


def searched(
    train: Sequence[Labelled],
    spec: StudentSpec,
    validation: Sequence[Labelled] | None,
    *,
    seed: int,
    progress: str | None = None,
) -> tuple[StudentSpec, list[dict[str, Any]]]:
    """The setting with the best validation accuracy, and what every setting reached."""
    if validation is None:
        train, validation = held_out(train, HELD_OUT, seed)
    true = [row.label for row in validation]
    texts = [row.text for row in validation]
    tried = []
    settings = [spec] if spec.probe else grid(spec)
    for setting in settings:
        fitted = fit(
            [row.text for row in train],
            [row.label for row in train],
            setting,
            seed=seed,
            progress=f"{progress or spec.name}, lr {setting.lr:g}" if progress else None,
        )
        accuracy = grade(true, predictions(fitted, texts)).accuracy
        tried.append(
            {
                "lr": setting.lr,
                "micro_batch": setting.micro_batch,
                "accumulation": setting.accumulation,
                "accuracy": accuracy,
            }
        )
    best = max(range(len(tried)), key=lambda index: (tried[index]["accuracy"], -index))
    return settings[best], tried


def held_out(
    rows: Sequence[Labelled], share: float, seed: int
) -> tuple[list[Labelled], list[Labelled]]:
    """Rows in two parts, the second a share of every label (at least one row)."""
    rng = np.random.default_rng(seed)
    by_label: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        by_label.setdefault(row.label, []).append(index)
    held: set[int] = set()
    for indices in by_label.values():
        size = max(1, round(share * len(indices)))
        held |= set(rng.choice(indices, size=size, replace=False).tolist())
    return (
        [row for index, row in enumerate(rows) if index not in held],
        [row for index, row in enumerate(rows) if index in held],
    )


def fit_oracle(
    gold: Sequence[Labelled],
    spec: StudentSpec,
    *,
    seed: int = 42,
    search: bool = False,
    models: int = 1,
    progress: str | None = None,
) -> Classifier:
    """A classifier trained on gold rows: on all of them, or the best of several by validation.

    Where there is something to choose, 20 % of the rows are held out for that. The official code
    chooses by test accuracy, which leaks; this one never sees the test set.
    """
    if not search and models == 1:
        texts, labels = [row.text for row in gold], [row.label for row in gold]
        return fit(texts, labels, spec, seed=seed, progress=progress)
    fitting, validation = held_out(gold, HELD_OUT, seed)
    if search:
        spec, _ = searched(fitting, spec, validation, seed=seed, progress=progress)
    best: tuple[float, int, Classifier] | None = None
    for number in range(models):
        oracle = fit(
            [row.text for row in fitting],
            [row.label for row in fitting],
            spec,
            seed=seed + number,
            progress=progress,
        )
        accuracy = grade(
            [row.label for row in validation],
            predictions(oracle, [row.text for row in validation]),
        ).accuracy
        if best is None or accuracy > best[0]:
            best = (accuracy, number, oracle)
    assert best is not None
    return best[2]


def label_preservation(synth: Sequence[Labelled], oracle: Classifier) -> dict[str, Any]:
    """How often a gold-trained oracle gives a synthetic text the label it was made for.

    Raises
    ------
    UserError : a label that the oracle does not know.
    """
    unknown = {row.label for row in synth} - set(oracle.labels)
    if unknown:
        raise UserError(f"the oracle does not know label {', '.join(sorted(unknown))}")
    found = grade([row.label for row in synth], predictions(oracle, [row.text for row in synth]))
    return asdict(found)
