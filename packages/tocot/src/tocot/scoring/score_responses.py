"""Grading recorded responses: from outputs or recorded pairs to graded rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines

from ..extraction.extract import extract
from ..inputs.recorded_outputs import WHOLE_FILES, read_outputs
from ..inputs.task_registry import category_of, group_of, registry
from ..records import (
    ARMS,
    AnswerKind,
    Choices,
    Extraction,
    Graded,
    Output,
    PublicItem,
    Replay,
    TaskItem,
    jsonl_files,
    read_rows,
)
from .grade import grade
from .settings import Grading, GradingSettings, MathGrading, Policy, TextMatch


def graded_rows(
    paths: Sequence[Path],
    settings: GradingSettings,
    *,
    text_match: TextMatch = "equal",
    math_by: MathGrading = "verify",
) -> list[Graded]:
    """Graded rows of files and folders; a folder that `tocot score` wrote gives its own.

    Raises
    ------
    UserError : what the files raise.
    """
    known = {}
    if settings.items is not None:
        known = {(item.task, item.id): item for item in read_rows(settings.items, TaskItem)}
    rows: list[Graded] = []
    for path in paths:
        if (path / "graded.jsonl").exists():
            rows += read_rows(path / "graded.jsonl", Graded)
            continue
        for file in _response_files([path]):
            rows += score_file(
                file,
                grading=settings.grading,
                items=known,
                task=settings.task,
                setting=settings.setting,
                text_match=text_match,
                math_by=math_by,
            )
    return rows


def policy_of(paths: Sequence[Path], told: Policy | None) -> Policy:
    """The policy for unparseable responses: the one told, else that of the folders of `score`.

    Raises
    ------
    UserError : folders that were scored under several.
    """
    if told is not None:
        return told
    scored = {
        read_json(path / "results.json")["policy"]: path
        for path in paths
        if (path / "graded.jsonl").exists() and (path / "results.json").exists()
    }
    if len(scored) > 1:
        several = ", ".join(f"{path}: {policy}" for policy, path in scored.items())
        raise UserError(f"scored under several policies: {several}", "--unparseable POLICY")
    return next(iter(scored), "wrong")


def _response_files(paths: Sequence[Path]) -> list[Path]:
    """Files, and those in folders; of a run's folder those in its `outputs`."""
    return jsonl_files(
        [path / "outputs" if (path / "outputs").is_dir() else path for path in paths]
    )


def score_file(
    path: Path,
    *,
    grading: Grading = "ours",
    items: Mapping[tuple[str, str], TaskItem] | None = None,
    task: str = "",
    setting: str = "",
    text_match: TextMatch = "equal",
    math_by: MathGrading = "verify",
) -> list[Graded]:
    """Grade a file of Replay records, or of outputs in any form that `read_outputs` knows.

    Parameters
    ----------
    grading : "ours" extracts and grades; "logged" takes the flags that the records have.
    items : task items by (task, id), for outputs that do not hold their question's answer.
    task, setting : of outputs that do not say their own.

    Raises
    ------
    UserError : a record of neither kind; logged flags or gold answers that are missing; an id
        twice in one arm.
    """
    if is_replay(path):
        rows = [
            row
            for record in read_rows(path, Replay)
            for row in score_pair(record, grading=grading, text_match=text_match, math_by=math_by)
        ]
    else:
        rows = [
            score_output(
                record,
                items or {},
                grading=grading,
                text_match=text_match,
                math_by=math_by,
                where=path,
            )
            for record in read_outputs(path, task=task, setting=setting)
        ]
    _no_duplicates(rows, path)
    return rows


def is_replay(path: Path) -> bool:
    """Whether a file holds recorded pairs, by its first record."""
    if path.suffix in WHOLE_FILES:
        return False
    for _, value in read_json_lines(path):
        return isinstance(value, dict) and not {"direct_response", "cot_response"}.isdisjoint(value)
    raise UserError(f"{path}: no records in it")


def _no_duplicates(rows: Sequence[Graded], path: Path) -> None:
    seen: set[tuple[str, str, str, str]] = set()
    for row in rows:
        key = (row.source, row.task, row.arm, row.id)
        if key in seen:
            raise UserError(f"{path}: id {row.id!r} twice in arm {row.arm} of {row.cell}")
        seen.add(key)


def score_pair(
    record: Replay,
    *,
    grading: Grading = "ours",
    text_match: TextMatch = "equal",
    math_by: MathGrading = "verify",
) -> Iterator[Graded]:
    """Both arms of a recorded pair; an arm without a response is left out.

    A gold answer that is not among the labels is kept and compared as it stands.
    """
    public = record.public()
    for arm in ARMS:
        response = getattr(record, f"{arm}_response")
        if response is None:
            continue
        if grading == "logged" or record.answer_kind == "judge":
            correct = getattr(record, f"logged_{arm}_correct")
            prediction = getattr(record, f"logged_{arm}_pred")
            if correct is None:
                how = "only a judge grades free replies" if grading == "ours" else "--grading ours"
                raise UserError(f"{record.id}: no logged_{arm}_correct", how)
            found = Extraction(prediction or None, None, "logged")
            if record.answer_kind == "judge" and grading == "ours":
                found = extract(response, public)
        else:
            found = extract(response, public)
            correct = grade(
                found, record.gold, record.answer_kind, text_match=text_match, math_by=math_by
            )
        yield Graded(
            id=record.id,
            source=record.source,
            task=record.task,
            arm=arm,
            answer=found.answer,
            parsed=found.parsed,
            correct=bool(correct),
            model=record.model,
            setting=f"{'fs' if record.shots == 'few' else 'zs'}_{arm}",
            category=record.category,
            group=record.group or group_of(record.task, record.source),
            rule=found.rule,
            n_choices=_options(public),
            position=found.span[0] if found.span else None,
            eq_question="=" in record.question,
            eq_response="=" in (record.cot_response or ""),
            eq_choices=_in_options(public),
            **_passed_through(record),
        )


def score_output(
    record: Output,
    items: Mapping[tuple[str, str], TaskItem],
    *,
    grading: Grading = "ours",
    text_match: TextMatch = "equal",
    math_by: MathGrading = "verify",
    where: Path | str = "",
) -> Graded:
    """One output; what it does not say of its question comes from `items`.

    Raises
    ------
    UserError : no gold answer in the record or the items, or one that is none of the labels; no
        logged flag; a free reply that no judge has graded.
    """
    item = items.get((record.task, record.id))
    spec = registry().get(record.task)
    choices = record.choices or (item.choices if item else None)
    gold = record.gold if record.gold is not None else (item.gold if item else None)
    kind = record.answer_kind or (item.answer_kind if item else None)
    if kind is None:
        kind = spec.kind if spec else _kind_of(gold, choices)
    told = f"{where}: {record.id}"
    found = Extraction(record.answer, record.span, record.rule or "logged")
    parsed, correct = record.parsed, bool(record.correct)
    if grading == "logged":
        if record.correct is None:
            raise UserError(f"{told}: no `correct` in it", "--grading ours")
    elif record.setting.startswith("plan") and record.rule:
        pass  # the answer is the solver's, or stands behind the plan: `plan` has read it
    else:
        if kind is None or gold is None:
            raise UserError(f"{told}: no gold answer of {record.task}", "pass --items FILE")
        public = PublicItem(id=record.id, answer_kind=kind, choices=choices)
        golds = {gold} if isinstance(gold, str) else set(gold)
        if kind == "letter" and choices and not golds & set(choices.label):
            raise UserError(f"{told}: gold {gold!r} is not among {list(choices.label)}")
        truncated = record.finish_reason == "length"
        found = extract(record.response, public, spec, truncated=truncated)
        parsed = found.parsed
        if kind == "judge":  # graded by a judge when it was run
            if record.correct is None and not record.errored:
                raise UserError(f"{told}: no `correct` of a free reply", "only a judge grades it")
        else:
            correct = grade(found, gold, kind, text_match=text_match, math_by=math_by)
            correct = correct or (found.parsed and bool(record.judged))
    question = record.question or (item.question if item else "")
    return Graded(
        id=record.id,
        source=_source(record),
        task=record.task,
        arm=record.arm,
        answer=found.answer,
        parsed=parsed,
        correct=correct,
        model=record.model,
        setting=record.setting,
        category=record.category or category_of(record.task),
        group=record.group or group_of(record.task),
        rule=found.rule,
        n_choices=len(choices.label) if choices else None,
        position=found.span[0] if found.span else None,
        new_tokens=record.new_tokens or None,
        errored=record.errored,
        eq_question="=" in question,
        eq_response=record.arm == "cot" and "=" in (record.response or ""),
        truncated=record.finish_reason == "length",
        refused=record.finish_reason in ("refused", "filtered"),
        credit=record.credit,
        subject=record.subject,
        eq_choices=bool(choices and any("=" in text for text in choices.text)),
        **_passed_through(record),
    )


def _source(record: Output) -> str:
    """Model and form of the prompt: what both arms of a pair have in common."""
    model = record.model or "outputs"
    if record.setting.startswith("plan"):
        return f"{model}:{record.setting}"
    form = record.setting.rpartition("_")[0]
    return f"{model}:{form}" if form else model


def _kind_of(gold: str | list[str] | None, choices: Choices | None) -> AnswerKind | None:
    """The kind of an answer of a task that is not ours, by what the right one looks like."""
    if gold is None:
        return None
    golds = [gold] if isinstance(gold, str) else gold
    if choices is not None and set(golds) <= set(choices.label):
        return "letter"
    if choices is not None and set(golds) <= set(choices.text):
        return "text_choice"
    plain = [one.rpartition("####")[2].strip().strip("$").replace(",", "") for one in golds]
    return (
        "number" if all(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", one) for one in plain) else "text"
    )


def _passed_through(record: Output | Replay) -> dict[str, Any]:
    """Fields of a row that are none of ours; they go with it into what we write."""
    extra = record.model_extra or {}
    return {name: value for name, value in extra.items() if name not in Graded.model_fields}


def _in_options(item: PublicItem) -> bool:
    return bool(item.choices and any("=" in text for text in item.choices.text))


def cot_texts(
    paths: Sequence[Path], *, task: str = "", setting: str = ""
) -> dict[tuple[str, str, str], str]:
    """Question and chain of thought by (source, task, id), for the text classifier.

    Parameters
    ----------
    paths : files and folders, as `graded_rows` takes them.
    task, setting : of outputs that do not say their own.
    """
    texts = {}
    for path in _response_files(paths):
        if is_replay(path):
            for pair in read_rows(path, Replay):
                key = (pair.source, pair.task, pair.id)
                texts[key] = f"{pair.question}\n{pair.cot_response or ''}"
            continue
        for output in read_outputs(path, task=task, setting=setting):
            if output.arm == "cot":
                key = (_source(output), output.task, output.id)
                texts[key] = f"{output.question}\n{output.response or ''}"
    return texts


def _options(item: PublicItem) -> int | None:
    return len(item.choices.label) if item.choices else None
