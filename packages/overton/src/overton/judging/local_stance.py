"""`local-stance`: a small classifier of stances, for machines without a judge model.

It learns from the published verdicts of the paper's judge in seconds, and always says how far it
agrees with that judge on questions that it has not seen.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from tenpapers.data import folder as data_folder
from tenpapers.errors import UserError
from tenpapers.models.embedded import cache_folder
from tenpapers.models.identity import content_digest
from tenpapers.records import write_json

from ..inputs.judgements import load_judgements
from ..inputs.samples import load_samples, model_name
from ..records import InstanceId, Stance

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LOCAL = "local-stance"
# Raised when a response may get another verdict: what was judged or measured before is not mixed
# with what is now.
VERSION = 2
FOLDS = 5
# Where a stance is said: at the beginning, and in the last words, in words.
FIRST, LAST = 12, 25


class Labelled(NamedTuple):
    """A response with the recorded judge's stance."""

    question: InstanceId
    text: str
    stance: Stance


@dataclass(frozen=True)
class Agreement:
    """How far the classifier says what the recorded judge says, on questions left out.

    Parameters
    ----------
    n : responses.
    accuracy, majority : shares of 1; `majority` is what always saying the commonest stance gives.
    kappa : Cohen's, agreement beyond chance.
    macro_f1 : mean over the stances.
    """

    n: int
    accuracy: float
    kappa: float
    macro_f1: float
    majority: float


class LocalStance:
    """A classifier of stances that was trained on labelled responses.

    Parameters
    ----------
    rows : responses with their stance.
    remember : whether the agreement is kept in the user's cache.
    """

    def __init__(self, rows: Sequence[Labelled], *, remember: bool = True) -> None:
        self.identity = content_digest([VERSION, FIRST, LAST, [list(row) for row in rows]])
        self.agreement = _remembered(rows, self.identity) if remember else agreement(rows)
        self._pipeline = _trained(rows)

    @classmethod
    def train(cls, data: Path | None = None) -> Self:
        """Train on the published verdicts.

        Parameters
        ----------
        data : folder of the paper's data; None finds it.

        Raises
        ------
        UserError : the data are not here.
        """
        found = data or data_folder("overton")
        if found is None:
            raise UserError(
                f"{LOCAL}: learns from the published verdicts, which are not here",
                "`overton data fetch` brings them",
            )
        return cls(list(labelled(found)))

    def label(self, texts: Sequence[str]) -> list[Stance | None]:
        """The stance of each response; None of one without a word that was learnt.

        Of an empty one, or one in another language, the classifier would say the commonest stance.
        """
        if not texts:
            return []
        features, classifier = self._pipeline[:-1].transform(list(texts)), self._pipeline[-1]
        known = features.getnnz(axis=1) > 0
        stances = classifier.predict(features)
        return [
            stance if any_word else None for stance, any_word in zip(stances, known, strict=True)
        ]


def labelled(data: Path) -> Iterator[Labelled]:
    """The published responses that have both a text and a stance.

    Raises
    ------
    UserError : there are none.
    """
    place = data / "ConflictingQA"
    found = False
    for file in sorted((place / "eval-stance").glob("*.jsonl*")):
        responses = place / "outputs" / f"{model_name(file)}.jsonl.gz"
        if not responses.is_file():
            continue
        found = True
        stances = {
            (verdict.instance_id, verdict.sample_index): verdict.value
            for verdict in load_judgements(file, "stance")
        }
        samples = load_samples(responses)
        for name, texts in zip(samples.ids, samples.texts, strict=True):
            for index, text in enumerate(texts):
                stance = stances.get((name, index))
                if text is not None and stance is not None:
                    yield Labelled(name, text, stance)
    if not found:
        raise UserError(f"{place}: no responses with verdicts", "`overton data fetch` brings them")


def agreement(rows: Sequence[Labelled]) -> Agreement:
    """Train on four fifths of the questions and compare on the others, five times."""
    from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score
    from sklearn.model_selection import GroupKFold

    stances = np.array([row.stance for row in rows])
    questions = [str(row.question) for row in rows]
    said = np.empty_like(stances)
    for learnt, left_out in GroupKFold(FOLDS).split(stances, groups=questions):
        pipeline = _trained([rows[i] for i in learnt])
        said[left_out] = pipeline.predict([rows[i].text for i in left_out])
    _, counts = np.unique(stances, return_counts=True)
    return Agreement(
        n=len(rows),
        accuracy=float(accuracy_score(stances, said)),
        kappa=float(cohen_kappa_score(stances, said)),
        macro_f1=float(f1_score(stances, said, average="macro")),
        majority=float(counts.max() / len(rows)),
    )


def _remembered(rows: Sequence[Labelled], identity: str) -> Agreement:
    """The agreement as it was measured before on the same rows; measured where it was not."""
    file = cache_folder() / "overton" / f"{LOCAL}-{identity[:16]}.json"
    try:
        return Agreement(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        measured = agreement(rows)
    with suppress(OSError):  # in a home that cannot be written to it is measured again
        write_json(file, asdict(measured))
    return measured


def _trained(rows: Sequence[Labelled]) -> "Pipeline":
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    words = TfidfVectorizer(
        ngram_range=(1, 3), min_df=3, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"
    )
    places = TfidfVectorizer(
        preprocessor=_placed, ngram_range=(1, 2), min_df=3, sublinear_tf=True, token_pattern=r"\S+"
    )
    pipeline = make_pipeline(make_union(words, places), LinearSVC(C=0.3))
    return pipeline.fit([row.text for row in rows], [row.stance for row in rows])


def _placed(text: str) -> str:
    """The first and the last words of a response, marked as such."""
    words = text.lower().split()
    return " ".join(
        [f"first_{word}" for word in words[:FIRST]] + [f"last_{word}" for word in words[-LAST:]]
    )
