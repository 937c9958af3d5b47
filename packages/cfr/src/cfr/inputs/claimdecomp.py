"""ClaimDecomp: PolitiFact's claims, taken apart into yes-no questions by several people."""

from pathlib import Path
from typing import Any, Literal

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Answer, Claim, Question

# From the worst to the best; their numbers are the ordinals.
LABELS = ("pants-fire", "false", "barely-true", "half-true", "mostly-true", "true")
Annotators = Literal["all", "first"]


def read_claimdecomp(path: Path, *, annotators: Annotators = "all") -> list[Claim]:
    """Claims with their questions, as JSON lines; `speaker` is the person, `venue` passes through.

    Parameters
    ----------
    annotators : whose questions are asked: those of "all", a repeated one once, or of the "first".

    Raises
    ------
    UserError : not JSON, a missing field, a label that PolitiFact does not have, not one answer for
        each question.
    """
    return [
        claim_of(row, f"{path}:{number}", number - 1, annotators)
        for number, row in read_json_lines(path)
    ]


def claim_of(row: dict[str, Any], where: str, number: int, annotators: Annotators = "all") -> Claim:
    """One claim.

    Parameters
    ----------
    number : its `claim_id` where it has no `example_id` or `id`.

    Raises
    ------
    UserError : see `read_claimdecomp`.
    """
    missing = [name for name in ("claim", "label", "annotations") if name not in row]
    if missing:
        raise UserError(f"{where}: missing field {missing[0]!r}")
    label = str(row["label"]).lower().replace("_", "-").replace(" ", "-").removesuffix("!")
    label = {"pants-on-fire": "pants-fire"}.get(label, label)
    if label not in LABELS:
        raise UserError(f"{where}: label {row['label']!r}", f"one of {', '.join(LABELS)}")
    asked: dict[str, Question] = {}
    annotations = row["annotations"][:1] if annotators == "first" else row["annotations"]
    for annotation in annotations:
        questions, answers = annotation["questions"], annotation.get("answers", [])
        if answers and len(answers) != len(questions):
            raise UserError(f"{where}: {len(answers)} answers to {len(questions)} questions")
        for position, question in enumerate(questions):
            given = (
                [Answer(answer=str(answers[position]), answer_type="Boolean")] if answers else []
            )
            asked.setdefault(" ".join(question.lower().split()), _question(question, given))
    kept = {name: value for name, value in row.items() if name not in ("annotations", "date")}
    return Claim.model_validate(
        kept
        | {
            "claim_id": row.get("example_id", row.get("id", number)),
            "speaker": row.get("person"),
            "label": label,
            "questions": list(asked.values()),
        }
    )


def _question(question: str, answers: list[Answer]) -> Question:
    return Question(question=question.strip(), answers=answers)
