"""MQuAKE, single edits: answer a multi-hop question in a world with one changed fact."""

from pathlib import Path
from typing import Any

from tenpapers.errors import UserError

from ..records import ContrastItem, SFTExample
from .prompts import fill
from .published_rows import read_rows, text, texts

_NEEDED = ("case_id", "requested_rewrite", "questions", "new_answer")


def _prompt(where: str, row: dict[str, Any], folder: Path | None) -> tuple[str, str]:
    """The prompt, and the edited object."""
    try:
        (rewrite,) = row["requested_rewrite"]
        fact = rewrite["prompt"].replace("{}", rewrite["subject"], 1)
        edited = rewrite["target_new"]["str"]
        question = row["questions"][0]
    except (TypeError, KeyError, ValueError, IndexError, AttributeError) as error:
        raise UserError(
            f"{where}: requested_rewrite: one rewrite with prompt, subject and target_new is "
            f"wanted, and a question ({error})"
        ) from None
    return fill("mquake", folder, fact=f"{fact} {edited}", question=question), edited


def read(file: Path, *, prompts: Path | None = None) -> list[SFTExample]:
    """Read cases; right are the new answer and its aliases, `echo` is the edited object."""
    examples = []
    for where, row in read_rows(file, _NEEDED):
        prompt, edited = _prompt(where, row, prompts)
        answer = text(where, row, "new_answer")
        aliases = texts(where, row, "new_answer_alias") if "new_answer_alias" in row else ()
        examples.append(
            SFTExample(
                id=str(row["case_id"]),
                prompt=prompt,
                completion=answer,
                answers=(answer, *aliases),
                echo=edited,
            )
        )
    return examples


def contrast(file: Path, *, prompts: Path | None = None) -> list[ContrastItem]:
    """Statements for ITI and RepE: the new answer against the answer before the edit."""
    statements = []
    for where, row in read_rows(file, (*_NEEDED, "answer")):
        prompt, _ = _prompt(where, row, prompts)
        new, old = text(where, row, "new_answer"), text(where, row, "answer")
        if new != old:
            statements.append(
                ContrastItem(
                    id=str(row["case_id"]),
                    prompt=prompt,
                    positive=(new,),
                    negative=(old,),
                )
            )
    return statements
