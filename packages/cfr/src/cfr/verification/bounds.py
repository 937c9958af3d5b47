"""What verdicts are worth without any evidence, and with people's: bounds for what is found."""

from collections.abc import Iterator, Sequence

from ..inputs.claims import is_answer
from ..records import Claim, Evidence, Verdict
from .judge import Case, Judge
from .pipeline import TOGETHER, Counted, verdicts_on


def with_gold_evidence(claim: Claim) -> Case:
    """A claim with its annotated questions and people's answers."""
    evidence = []
    for question in claim.questions:
        for answer in question.answers:
            text = answer.joined if is_answer(answer) else ""
            evidence.append(
                Evidence(question=question.question, answer=text, url=answer.source_url)
            )
        if not question.answers:
            evidence.append(Evidence(question=question.question))
    return Case(claim, evidence)


def without_evidence(claim: Claim) -> Case:
    """A claim alone."""
    return Case(claim, [])


def bounded(
    claims: Sequence[Claim], judge: Judge, counted: Counted, *, gold: bool
) -> Iterator[Verdict]:
    """Verdicts on claims with people's evidence (`gold`) or with none, as they are done."""
    case_of = with_gold_evidence if gold else without_evidence
    for start in range(0, len(claims), TOGETHER):
        some = claims[start : start + TOGETHER]
        yield from verdicts_on([case_of(claim) for claim in some], judge, counted)
