"""One score for an answer, by whichever scorer: LERC, METEOR, token F1, vectors, or a judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from pydantic import field_validator
from tenpapers import data
from tenpapers.closing import Closing
from tenpapers.errors import UserError, without_credentials
from tenpapers.journal import known_by

from ..records import Row
from ..scoring.answer_overlap import exact_match, token_f1
from ..scoring.meteor import Meteor, open_meteor
from .comparison import Comparison, NoScore, Why

if TYPE_CHECKING:
    from tenpapers.generation import Generator

    from .answer_judge import AnswerJudge
    from .embedding_similarity import EmbeddingSimilarity
    from .lerc import Lerc

SCORERS = ("lerc", "meteor", "f1", "embed")
JUDGE_TOKENS = 256  # of a judge's reply
Scorer = Annotated[
    str,
    typer.Option(
        "--scorer", help="lerc, meteor, f1, embed, or a model that grades: smollm2, hf:ID, ..."
    ),
]
ScorerModel = Annotated[
    str,
    typer.Option("--scorer-model", help="LERC's folder, archive or hub id; embed's encoder."),
]
ScorerTokens = Annotated[
    int, typer.Option("--scorer-tokens", help="Of the reply of a model that grades.", min=1)
]
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


class AnswerScorer(Closing):
    """Scores answers; of several right answers the nearest counts.

    Parameters
    ----------
    name : what stands beside its scores; `lerc` for a LERC alone, a judge's model spec.
    compare : scores of distinct comparisons, or why there is none.
    identity : of its model, "" for none.
    trusts_words : an answer that is right word by word scores 1 and is not compared.
    judge : that compares; its model is closed with the scorer.

    Attributes
    ----------
    n_compared : comparisons that reached `compare`.
    """

    def __init__(
        self,
        name: str,
        compare: Callable[[Sequence[Comparison]], Sequence[float | NoScore]],
        identity: str = "",
        *,
        trusts_words: bool = True,
        judge: AnswerJudge | None = None,
    ) -> None:
        self.name, self.identity, self.judge = name, identity, judge
        self._compare, self._trusts_words = compare, trusts_words
        self.n_compared = 0

    @property
    def told(self) -> dict[str, str]:
        """What stands beside a score: the name, and of a judge the hash of its template."""
        told = {"scorer": self.name}
        return told | {"scorer_prompt_sha256": self.judge.prompt_sha256} if self.judge else told

    def known(self, model: str) -> dict[str, Any]:
        """What a run depends on, for `key_of`: a judge, or the model of the others by content.

        Parameters
        ----------
        model : its name, "" for the default.
        """
        if self.judge is not None:
            return {"scorer": known_by(self.name, self.identity)}
        return {"scorer_model": known_by(model or self.name, self.identity)}

    def score(self, rows: Sequence[AnswerRow]) -> list[float | NoScore]:
        """Score of each row, 0 to 1; 0 without an answer.

        Where a judge gave no grade on one of several right answers the row has no score: that one
        may be the nearest.

        Raises
        ------
        UserError : a row without right answers.
        """
        asked: dict[Comparison, float | NoScore] = {}
        for number, row in enumerate(rows, 1):
            if not row.references:
                raise UserError(f"row {number}: {row.question!r} has no right answer")
            asked.update(dict.fromkeys(self._comparisons(row), 0.0))
        todo = list(asked)
        self.n_compared += len(todo)
        found = dict(zip(todo, self._compare(todo), strict=True)) if todo else {}
        return [self._of(row, found) for row in rows]

    def close(self) -> None:
        """Close the judge's model."""
        if self.judge is not None:
            self.judge.model.close()

    def _of(self, row: AnswerRow, found: dict[Comparison, float | NoScore]) -> float | NoScore:
        if not row.open:
            return 0.0
        best = 0.0
        compared = self._comparisons(row)
        for one in compared:
            score = found[one]
            if isinstance(score, NoScore):
                return score
            best = max(best, float(score))
        return best if compared else 1.0

    def _comparisons(self, row: AnswerRow) -> list[Comparison]:
        """What has to be compared: nothing without an answer, nothing where words are enough."""
        candidate = row.candidate or ""
        if not row.open or (self._trusts_words and exact_match(candidate, row.references)):
            return []
        return [Comparison(row.context, row.question, one, candidate) for one in row.references]


def open_scorer(
    name: str,
    *,
    model: str = "",
    wordnet: Path | None = None,
    fix_stems: bool = False,
    prompts: Path | None = None,
    max_new_tokens: int = JUDGE_TOKENS,
    cache: bool = True,
    progress: str | None = None,
) -> AnswerScorer:
    """Open a scorer.

    Parameters
    ----------
    name : lerc, meteor, f1 or embed; any other is the spec of a model that grades.
    model : LERC's folder, archive or hub id, "" for the released archive among the paper's data;
        of `embed` the encoder, "" for minilm.
    wordnet, fix_stems : of METEOR, see `scoring.meteor.open_meteor`.
    prompts, max_new_tokens, cache, progress : of a model that grades, see `AnswerJudge`.

    Raises
    ------
    UserError : no such scorer; see `released_lerc`, `Lerc.load`, `Encoder.load`, `open_meteor` and
        `open_generator`.
    """
    if name not in SCORERS:
        from .answer_judge import AnswerJudge

        judge = AnswerJudge(
            _judge_model(name, cache),
            prompts=prompts,
            max_new_tokens=max_new_tokens,
            progress=progress,
        )
        return by_judge(judge, name)
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


def scored_rows(
    scorer: AnswerScorer, rows: Sequence[AnswerRow], scores: Sequence[float | NoScore]
) -> list[dict[str, Any]]:
    """Rows with their `score` and the name of the `scorer` that gave it.

    A score is null where a judge gave none; `no_score` says why.
    """
    return [
        row.model_dump(mode="json", exclude_unset=True) | _told(score) | scorer.told
        for row, score in zip(rows, scores, strict=True)
    ]


def _told(score: float | NoScore) -> dict[str, Any]:
    if not isinstance(score, NoScore):
        return {"score": score}
    why = f"{score.why}: {score.words}" if score.words else score.why
    return {"score": None, "no_score": why}


def counts_of(scorer: AnswerScorer, scores: Sequence[float | NoScore]) -> dict[str, Any]:
    """The `mean` of what was scored, None where nothing was; of a judge how many were not, and why.

    `unparsed`, `truncated`, `refused`, `filtered` and `error` are counted apart.
    """
    given = [score for score in scores if not isinstance(score, NoScore)]
    mean = sum(given) / len(given) if given else None
    if scorer.judge is None:
        return {"mean": mean}
    why = Counter(score.why for score in scores if isinstance(score, NoScore))
    return {"mean": mean, "scored": len(given)} | {name: why[name] for name in get_args(Why)}


def by_lerc(lerc: Lerc) -> AnswerScorer:
    """LERC as a scorer."""

    def compare(asked: Sequence[Comparison]) -> list[float]:
        scores = lerc.score(*(list(part) for part in zip(*asked, strict=True)))
        return [float(score) for score in scores]

    return AnswerScorer("lerc", compare, lerc.identity)


def by_vectors(similarity: EmbeddingSimilarity) -> AnswerScorer:
    """Cosines of vectors as a scorer; the context is not looked at."""

    def compare(asked: Sequence[Comparison]) -> list[float]:
        questions, references, candidates = ([one[part] for one in asked] for part in (1, 2, 3))
        return [float(score) for score in similarity.score(questions, references, candidates)]

    return AnswerScorer("embed", compare, similarity.encoder.identity)


def by_meteor(meteor: Meteor) -> AnswerScorer:
    """METEOR as a scorer, `meteor_nosyn` where there is no WordNet."""

    def compare(asked: Sequence[Comparison]) -> list[float]:
        return [meteor.score(one.reference, one.candidate) for one in asked]

    return AnswerScorer(meteor.name, compare, trusts_words=False)


def by_judge(judge: AnswerJudge, spec: str) -> AnswerScorer:
    """A model that grades as a scorer, named by its spec."""
    identity = judge.model.backend.identity
    return AnswerScorer(without_credentials(spec), judge.score, identity, judge=judge)


def _judge_model(spec: str, cache: bool) -> Generator:
    from tenpapers.generation import open_generator
    from tenpapers.models.spec import parse_spec

    try:
        parse_spec(spec)
    except UserError as error:
        raise UserError(f"--scorer: {error}", f"or one of {', '.join(SCORERS)}") from None
    return open_generator(spec, cache=cache)
