"""MOCHA: people's judgements of answers, 1 to 5, to train LERC on and to measure it with."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines

from ..inputs.files import record_of
from .lerc_input import LercRow

RowT = TypeVar("RowT", bound=LercRow)
BEST = 5.0


class MochaRow(LercRow):
    """A judged answer; `dataset` is one of the six that MOCHA is made of."""

    dataset: str = ""
    score: float


class AnswerPairRow(LercRow):
    """A right answer and another one, which says the `same` or is wrong."""

    same: bool


class MinimalPair(LercRow):
    """Two candidates that differ in little, one right and one wrong, with people's scores."""

    candidate2: str
    score: float
    score2: float

    @property
    def second(self) -> LercRow:
        """The row of the second candidate."""
        return self.model_copy(update={"candidate": self.candidate2})


def load_mocha(file: Path) -> list[MochaRow]:
    """Read judged answers.

    Parameters
    ----------
    file : the published JSON (data set -> id -> row), or JSON lines of rows with `dataset`.

    Raises
    ------
    UserError : missing or empty, a row without its fields or with a score beyond 1 to 5.
    """
    rows = [record_of(MochaRow, row, where) for row, where in _rows(file)]
    for row in rows:
        if not 1 <= row.score <= BEST:
            raise UserError(f"{file}: score {row.score}: people's scores are 1 to 5")
    return _some(rows, file)


def load_answer_pairs(file: Path) -> list[AnswerPairRow]:
    """Read pairs of answers for the first stage: JSON lines with `same`.

    Raises
    ------
    UserError : missing or empty, a row without its fields.
    """
    return _some([record_of(AnswerPairRow, row, where) for row, where in _rows(file)], file)


def load_minimal_pairs(file: Path) -> list[MinimalPair]:
    """Read minimal pairs, in the published form: `candidate1`, `score1`, `candidate2`, `score2`.

    Raises
    ------
    UserError : missing or empty, a row without its fields.
    """
    renamed = {"candidate1": "candidate", "score1": "score"}
    found = []
    for row, where in _rows(file):
        told = {renamed.get(name, name): value for name, value in row.items()}
        found.append(record_of(MinimalPair, told, where))
    return _some(found, file)


def augmented(rows: Sequence[MochaRow]) -> list[LercRow]:
    """Add what needs no judge (MOCHA, LERC's reader).

    Of each new question of a data set the right answer is its own candidate with score 5; a pair
    with score 5 counts the other way round too.
    """
    seen: set[tuple[str, str]] = set()
    made: list[LercRow] = []
    for row in rows:
        plain = _plain(row)
        made.append(plain)
        if (question := (row.dataset, row.question)) not in seen:
            seen.add(question)
            made.append(plain.model_copy(update={"candidate": row.reference, "score": BEST}))
        if row.score == BEST:
            swapped = {"candidate": row.reference, "reference": row.candidate}
            made.append(plain.model_copy(update=swapped))
    return made


def _plain(row: MochaRow) -> LercRow:
    context, question, reference, candidate = row.quadruple
    return LercRow(
        context=context,
        question=question,
        reference=reference,
        candidate=candidate,
        score=row.score,
    )


def _rows(file: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Rows with where each stands, of nested JSON or of JSON lines."""
    if file.name.removesuffix(".gz").endswith(".jsonl"):
        for number, row in read_json_lines(file):
            yield row, f"{file}:{number}"
        return
    tree = read_json(file)
    if not isinstance(tree, dict):
        raise UserError(f"{file}: {{data set: {{id: row}}}} is wanted", "or JSON lines (.jsonl)")
    for dataset, rows in tree.items():
        for name, row in rows.items():
            yield {"dataset": dataset} | row, f"{file}: {dataset}/{name}"


def _some(rows: list[RowT], file: Path) -> list[RowT]:
    if not rows:
        raise UserError(f"{file}: no rows in it")
    return rows
