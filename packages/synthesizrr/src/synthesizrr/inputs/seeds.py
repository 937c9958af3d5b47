"""Seeds: the few labelled texts that everything starts from."""

import logging
from collections.abc import Sequence

import numpy as np
from tenpapers.errors import UserError

from ..records import Example

log = logging.getLogger(__name__)


def sample_seeds(
    examples: Sequence[Example], per_class: int, seed: int = 42, *, labels: Sequence[str] = ()
) -> list[Example]:
    """A balanced sample, drawn without replacement (spec 3.1).

    A class with too few examples is drawn with replacement, under new ids, and said so.

    Parameters
    ----------
    labels : that must be there; by default those that occur.

    Raises
    ------
    UserError : a label without any example.
    """
    rng = np.random.default_rng(seed)
    by_label: dict[str, list[Example]] = {label: [] for label in labels}
    for example in examples:
        by_label.setdefault(example.label, []).append(example)
    chosen: list[Example] = []
    for label in sorted(by_label):
        rows = by_label[label]
        if not rows:
            raise UserError(f"per_class {per_class}: no example of label {label!r}")
        if len(rows) < per_class:
            log.warning(
                "label %s: %d examples for %d seeds, so some repeat", label, len(rows), per_class
            )
            more = rng.choice(len(rows), size=per_class - len(rows))
            copies = [
                rows[place].model_copy(update={"id": f"{rows[place].id}#copy{number}"})
                for number, place in enumerate(more.tolist())
            ]
            chosen += [*rows, *copies]
            continue
        places = rng.choice(len(rows), size=per_class, replace=False)
        chosen += [rows[place] for place in sorted(places.tolist())]
    return chosen


def per_class_of(seed_size: int, n_labels: int) -> int:
    """Seeds a class of a balanced seed set.

    Raises
    ------
    UserError : the size does not divide by the number of labels.
    """
    if seed_size % n_labels:
        raise UserError(f"{seed_size} seeds do not divide by {n_labels} labels")
    return seed_size // n_labels
