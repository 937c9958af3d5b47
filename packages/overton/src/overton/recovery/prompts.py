"""Prompts of a base model: queries and answers as a document that it goes on with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.templates import fill, fill_section

from .methods import METHODS, MethodName


@dataclass(frozen=True)
class Demo:
    """An example that is shown to the model: a query and how it is answered.

    Parameters
    ----------
    summary : of the response; None where no method asked for one.
    """

    query: str
    response: str
    summary: str | None = None


def render_prompt(
    method: MethodName,
    query: str,
    demos: Sequence[Demo],
    hint: str | None = None,
    *,
    prefix: str = "",
    folder: Path | None = None,
) -> str:
    """Write the prompt of one query (the paper's in-context prompts).

    Texts of people and models come out as they are. The prompt ends where the model goes on: behind
    the opened answer, or summary (`icl-summary-cot`).

    Parameters
    ----------
    demos : in the order in which they stand; the last is nearest to the query.
    hint : summary of the answer that is wanted (`icl-summary`, `aligned-from-summary`).
    prefix : the beginning of the answer, which the model continues (`continue`).
    folder : the user's templates, see `tenpapers.templates.fill`.

    Raises
    ------
    UserError : an unknown method; a method that gives a hint gets none, a demo without a summary
        where summaries are shown.
    """
    if method not in METHODS:
        raise UserError(f"method {method!r}: unknown", f"one of {', '.join(METHODS)}")
    ways = METHODS[method]
    if ways.hint and not hint:
        raise UserError(f"{method}: needs a summary of the answer as a hint", "give --summaries")
    if method == "aligned":
        return query
    if ways.opened == "chat":
        return fill("overton", "expand", folder, query=query, summary=hint)
    if ways.with_summary and any(demo.summary is None for demo in demos):
        raise UserError(
            f"{method}: an example has no summary", "`overton make-demos` writes them with one"
        )
    instructions = None
    if ways.examples != "none":
        part = "with_summary" if ways.opened == "summary" else "plain"
        instructions = fill_section("overton", "instructions", part, folder)
    return fill(
        "overton",
        "in_context",
        folder,
        instructions=instructions,
        demos=demos,
        shows_summaries=ways.with_summary,
        opens_summary=ways.opened == "summary",
        query=query,
        hint=hint if ways.hint else None,
        prefix=prefix,
    )
