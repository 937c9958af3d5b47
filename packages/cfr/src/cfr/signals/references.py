"""Which people's answers belong to a query."""

from collections.abc import Sequence

from tenpapers.errors import UserError

from ..inputs.claims import claim_key, is_answer
from ..records import Candidates, Claim, Question

_NONE = Question(question="")


def questions_by_qid(
    candidates: Sequence[Candidates], claims: Sequence[Claim]
) -> dict[str, Question]:
    """The annotated subquestion of each query; one without answers for a claim that has none.

    Parameters
    ----------
    candidates : their `qid` is `{claim_id}:{number of the subquestion}`.

    Raises
    ------
    UserError : a query whose claim or subquestion is not among the claims, or whose claim is
        another one there: files without `claim_id` are numbered by row.
    """
    known = {str(claim.claim_id): claim for claim in claims}
    found = {}
    for row in candidates:
        name, _, number = row.qid.rpartition(":")
        claim = known.get(name)
        if claim is None:
            raise UserError(
                f"query {row.qid!r}: no claim {name!r} in the references",
                "a qid is CLAIM_ID:NUMBER_OF_THE_SUBQUESTION",
            )
        if row.claim.strip() and claim_key(row.claim) != claim_key(claim.claim):
            raise UserError(
                f"query {row.qid!r}: claim {name!r} of the references is another one: "
                f"{claim.claim[:60]!r}, not {row.claim[:60]!r}",
                "the references that the candidates were made from are wanted",
            )
        if not claim.questions:
            found[row.qid] = _NONE
        elif number.isdecimal() and int(number) < len(claim.questions):
            found[row.qid] = claim.questions[int(number)]
        else:
            raise UserError(
                f"query {row.qid!r}: claim {name!r} has {len(claim.questions)} subquestions"
            )
    return found


def right_answers(question: Question) -> list[str]:
    """What people answered, a Boolean answer with its explanation; "Unanswerable" is none."""
    return [answer.joined for answer in question.answers if is_answer(answer)]
