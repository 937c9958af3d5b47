"""Train the small detector on a file, and say how well it tells errors that it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.records import write_json

from ..detect.lexical import LexicalDetector
from ..detect.lexical_training import Labelled, train_lexical
from ..inputs.instances import read_rows
from .perturb import ControlledInstance

Rows = Literal["train", "all"]


@dataclass(frozen=True)
class TrainedLexical:
    """What training left.

    Parameters
    ----------
    train, test : claims of each split.
    auc : on the test claims, the probability that a supported one stands above another one; None
        where one label is missing there.
    """

    train: int
    test: int
    auc: float | None


def train_file(
    controlled: Path, out: Path, *, which: Rows = "train", trained_on: str = ""
) -> tuple[LexicalDetector, TrainedLexical]:
    """Train on the rows of a file of `dcr data perturb`, and write the weights.

    A row with a gold error is an unsupported claim, and the sentence that it was made of a
    supported one.

    Parameters
    ----------
    which : learn from those of split `train`, and look at the others; or learn from all.

    Raises
    ------
    UserError : see `read_rows`; no rows for training.
    """
    rows = read_rows(controlled, ControlledInstance)
    train, test = labelled(rows, "train"), labelled(rows, "test")
    if which == "all":
        train, test = train + test, []
    if not train:
        raise UserError(f"{controlled}: no row with split `train`", "dcr data perturb writes them")
    with Journal.once(out, command="dcr train-lexical", inputs=[controlled]) as journal:
        detector = train_lexical(train, trained_on=trained_on or controlled.name)
        write_json(journal.file(out.name), detector.weights.model_dump(mode="json"))
    probs = detector.score([row.pair for row in test]).probs
    area = area_under_curve(probs.tolist(), [row.label for row in test])
    return detector, TrainedLexical(len(train), len(test), area)


def labelled(rows: Sequence[ControlledInstance], split: str) -> list[Labelled]:
    """Claims of one split: each changed sentence, and each original once."""
    own = [row for row in rows if row.split == split]
    wrong = [Labelled(row.document, row.response, 0) for row in own if row.gold]
    right = dict.fromkeys((row.document, row.original) for row in own)
    return wrong + [Labelled(document, sentence, 1) for document, sentence in right]


def area_under_curve(scores: Sequence[float], labels: Sequence[int]) -> float | None:
    """Probability that one of label 1 has the higher score than one of label 0; ties count half."""
    from scipy.stats import rankdata

    positives = np.array(labels) == 1
    n = int(positives.sum())
    others = len(labels) - n
    if not n or not others:
        return None
    ranks = rankdata(scores)
    return float((ranks[positives].sum() - n * (n + 1) / 2) / (n * others))
