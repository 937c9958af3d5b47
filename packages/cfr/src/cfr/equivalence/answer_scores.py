"""One score for an answer, by whichever scorer: LERC, METEOR, token F1, or vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import field_validator
from tenpapers import data
from tenpapers.errors import UserError

from ..records import Row
from ..scoring.answer_overlap import exact_match, token_f1
from ..scoring.meteor import Meteor, open_meteor

if TYPE_CHECKING:
    from .embedding_similarity import EmbeddingSimilarity
    from .lerc import Lerc

ScorerName = Literal["lerc", "meteor", "f1", "embed"]
# In AllenNLP's form, which `Lerc.load` reads.
RELEASED = "lerc-2020-11-18.tar.gz"


class AnswerRow(Row):
    """An answer with the right ones.

    Parameters
    ----------
    references : right answers; one text is one of them.
    candidate : None where there is no answer.
    context : the passage that it was read from; LERC alone looks at it.
    """

    question: str
    references: Sequence[str]
    candidate: str | None
    context: str = ""
    answered: bool = True

    @field_validator("references", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def open(self) -> bool:
        """Whether there is an answer to be scored."""
        return self.answered and bool((self.candidate or "").strip())


class _Comparison(NamedTuple):
    context: str
    question: str
    reference: str
    candidate: str


class AnswerScorer:
    """Scores answers; of several right answers the nearest counts.

    Parameters
    ----------
    name : what stands beside its scores; `lerc` for a LERC alone.
    compare : scores of distinct comparisons.
    identity : of its model, "" for none.
    trusts_words : an answer that is right word by word scores 1 and is not compared.

    Attributes
    ----------
    n_compared : comparisons that reached `compare`.
    """

    def __init__(
        self,
        name: str,
        compare: Callable[[Sequence[_Comparison]], Sequence[float]],
        identity: str = "",
        *,
        trusts_words: bool = True,
    ) -> None:
        self.name, self.identity = name, identity
        self._compare, self._trusts_words = compare, trusts_words
        self.n_compared = 0

    def score(self, rows: Sequence[AnswerRow]) -> list[float]:
        """Score of each row, 0 to 1; 0 without an answer.

        Raises
        ------
        UserError : a row without right answers.
        """
        asked: dict[_Comparison, float] = {}
        for number, row in enumerate(rows, 1):
            if not row.references:
                raise UserError(f"row {number}: {row.question!r} has no right answer")
            asked.update(dict.fromkeys(self._comparisons(row), 0.0))
        todo = list(asked)
        self.n_compared += len(todo)
        found = dict(zip(todo, map(float, self._compare(todo)), strict=True)) if todo else {}
        return [self._of(row, found) for row in rows]

    def _of(self, row: AnswerRow, found: dict[_Comparison, float]) -> float:
        if not row.open:
            return 0.0
        return max((found[one] for one in self._comparisons(row)), default=1.0)

    def _comparisons(self, row: AnswerRow) -> list[_Comparison]:
        """What has to be compared: nothing without an answer, nothing where words are enough."""
        candidate = row.candidate or ""
        if not row.open or (self._trusts_words and exact_match(candidate, row.references)):
            return []
        return [_Comparison(row.context, row.question, one, candidate) for one in row.references]


def open_scorer(
    name: ScorerName,
    *,
    model: str = "",
    wordnet: Path | None = None,
    fix_stems: bool = False,
) -> AnswerScorer:
    """Open a scorer by its name.

    Parameters
    ----------
    model : LERC's folder, archive or hub id, "" for the released archive among the paper's data;
        of `embed` the encoder, "" for minilm.
    wordnet, fix_stems : of METEOR, see `scoring.meteor.open_meteor`.

    Raises
    ------
    UserError : see `released_lerc`, `Lerc.load`, `Encoder.load` and `open_meteor`.
    """
    if name == "lerc":
        from .lerc import Lerc

        return by_lerc(Lerc.load(model or str(released_lerc())))
    if name == "embed":
        from .embedding_similarity import EmbeddingSimilarity

        return by_vectors(EmbeddingSimilarity.load(model or "minilm"))
    if name == "meteor":
        return by_meteor(open_meteor(wordnet, fix_stems=fix_stems))
    return AnswerScorer(
        "f1", lambda asked: [token_f1(one.candidate, [one.reference]) for one in asked]
    )


def released_lerc() -> Path:
    """The archive of LERC that its authors released, where it lies among the paper's data.

    Raises
    ------
    UserError : it does not.
    """
    base = data.folder("cfr")
    if base is not None and (base / RELEASED).is_file():
        return base / RELEASED
    raise UserError(
        f"scorer lerc: {RELEASED} is not among the paper's data",
        f"put it into {base or data.user_folder() / 'cfr'}, or pass --scorer-model; "
        "scorer embed needs no model of its own",
    )


def scored_rows(scorer: AnswerScorer, rows: Sequence[AnswerRow]) -> list[dict[str, Any]]:
    """Rows with their `score` and the name of the `scorer` that gave it."""
    scores = scorer.score(rows)
    return [
        row.model_dump(mode="json", exclude_unset=True) | {"score": score, "scorer": scorer.name}
        for row, score in zip(rows, scores, strict=True)
    ]


def by_lerc(lerc: Lerc) -> AnswerScorer:
    """LERC as a scorer."""

    def compare(asked: Sequence[_Comparison]) -> Any:
        return lerc.score(*(list(part) for part in zip(*asked, strict=True)))

    return AnswerScorer("lerc", compare, lerc.identity)


def by_vectors(similarity: EmbeddingSimilarity) -> AnswerScorer:
    """Cosines of vectors as a scorer; the context is not looked at."""

    def compare(asked: Sequence[_Comparison]) -> Any:
        questions, references, candidates = ([one[part] for one in asked] for part in (1, 2, 3))
        return similarity.score(questions, references, candidates)

    return AnswerScorer("embed", compare, similarity.encoder.identity)


def by_meteor(meteor: Meteor) -> AnswerScorer:
    """METEOR as a scorer, `meteor_nosyn` where there is no WordNet."""

    def compare(asked: Sequence[_Comparison]) -> list[float]:
        return [meteor.score(one.reference, one.candidate) for one in asked]

    return AnswerScorer(meteor.name, compare, trusts_words=False)
