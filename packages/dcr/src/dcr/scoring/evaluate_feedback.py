"""Critiques held against gold errors, file by file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field
from tenpapers.errors import UserError
from tenpapers.generation import open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.records import read_jsonl, write_json, write_text
from tenpapers.report import Table, report_markdown

from ..inputs.instances import read_rows
from ..records import Critiqued, GoldError, Name, Row
from .critique_quality import Case, cases_of, critique_quality
from .judge import MATCHES, OUTCOMES, Question, judge, match_question
from .settings import FeedbackSettings

QUALITY, QUALITY_TEXT, MATCHED = "feedback.json", "feedback.md", "matches.jsonl"
Fields = dict[str, Any]


class Annotated(Row):
    """What people found wrong with a response; all other fields of a gold file may be missing."""

    id: Name
    gold: Sequence[GoldError] = Field(
        validation_alias=AliasChoices("gold", "annotations", "errors", "gold_errors")
    )


def evaluate_feedback(
    settings: FeedbackSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Fields:
    """Measure critiques into a folder: feedback.json, feedback.md, and what a judge said.

    Returns
    -------
    What feedback.json holds; `match` is None without a judge.

    Raises
    ------
    UserError : no gold error for any row; rows that do not fit; `out` holds another run.
    """
    rows = read_rows(settings.critiqued, Critiqued, limit=settings.limit)
    gold = _gold(settings, rows)
    cases = {row.id: cases_of(row, gold.get(row.id, ())) for row in rows}
    with ExitStack() as held:
        model, known = None, {}
        if settings.judge:
            model = held.enter_context(open_generator(settings.judge, cache=settings.cache))
            known = {"judge": known_by(settings.judge, model.backend.identity)}
        journal = held.enter_context(
            Journal(
                out,
                key=key_of("dcr evaluate-feedback", settings, **known),
                inputs=files_of(settings),
                overwrite=overwrite,
                wait=wait,
            )
        )
        journal.claim(QUALITY, QUALITY_TEXT)
        quality: Fields = critique_quality([case for own in cases.values() for case in own]).row()
        quality |= {"rows": len(rows), "rows_without_gold": sum(r.id not in gold for r in rows)}
        quality["match"] = None
        if model is not None:
            questions = list(_questions(settings, rows, cases))
            log = journal.rows(MATCHED)
            with log:
                said = judge(
                    model,
                    log.missing(questions),
                    seed=settings.seed,
                    max_tokens=settings.judge_tokens,
                    tries=settings.tries,
                    progress="judge",
                )
                for judgement in said:
                    log.write(judgement.row())
                log.close(order=[question.id for question in questions])
            quality["match"] = match_shares(log.rows)
        write_json(journal.file(QUALITY), quality)
        body = feedback_tables(quality)
        title = f"Critiques of {settings.critiqued.name}"
        write_text(journal.file(QUALITY_TEXT), report_markdown(title, body))
    return quality


def _gold(
    settings: FeedbackSettings, rows: Sequence[Critiqued]
) -> Mapping[str, Sequence[GoldError]]:
    """Gold errors by id; rows that nobody annotated are not in it where a gold file was given."""
    if settings.gold is None:
        found = {row.id: row.gold for row in rows}
    else:
        own = {row.id for row in rows}
        every = read_jsonl(settings.gold, Annotated)
        found = {row.id: row.gold for row in every if row.id in own}
    if not any(found.values()):
        raise UserError(
            f"{settings.gold or settings.critiqued}: no gold error of these responses",
            "--gold FILE with the same ids and `gold` lists",
        )
    return found


def _questions(
    settings: FeedbackSettings, rows: Sequence[Critiqued], cases: Mapping[str, Sequence[Case]]
) -> Iterator[Question]:
    """Critiques of sentences whose gold error has an explanation."""
    for row in rows:
        for number, case in enumerate(cases[row.id]):
            said = [error.explanation for error in case.gold if error.explanation.strip()]
            if case.critique is not None and case.critique.raw.strip() and said:
                yield match_question(
                    f"{row.id}|match|{number}",
                    row.sentences[number],
                    "\n".join(dict.fromkeys(said)),
                    case.critique.raw,
                    settings.prompts,
                )


def match_shares(rows: Mapping[str, Fields]) -> Fields:
    """Shares of the three verdicts among those that were read, and how the others ended."""
    ended = Counter(row["outcome"] for row in rows.values())
    labels = Counter(row["values"][0] for row in rows.values() if row["outcome"] == "read")
    shares = {label: labels[label] / ended["read"] if ended["read"] else None for label in MATCHES}
    return {"asked": len(rows)} | {name: ended[name] for name in OUTCOMES} | {"shares": shares}


def feedback_tables(quality: Mapping[str, Any]) -> list[str | Table]:
    """Detection, critiques, and the judge's verdicts as tables."""
    columns = ["who", "precision", "recall", "F1", "balanced accuracy"]
    names = ("precision", "recall", "f1", "balanced_accuracy")
    rows = [[who, *(quality[who][name] for name in names)] for who in ("detector", "critic")]
    note = (
        f"{quality['sentences']} sentences; positive: inconsistent. The critic's own verdicts "
        "count where it was asked and could be read."
    )
    body: list[str | Table] = [Table("Sentences told apart", columns, rows, note=note)]
    shown = {
        "critiques": "critiques",
        "no_error": "deny an error",
        "unparsed": "unparsed",
        "no_error_rate": "deny a gold error",
        "span_hit": "span hits",
        "span_f1": "span F1",
        "spans": "n",
        "fix_accuracy": "fix right",
        "fixes": "n ",
    }
    row = [quality[name] for name in shown]
    body.append(Table("Critiques", list(shown.values()), [row]))
    match = quality["match"]
    if match:
        values = {**match["shares"], **{k: match[k] for k in ("asked", *OUTCOMES)}}
        body.append(Table("Error match, by a judge", list(values), [list(values.values())]))
    return body
