"""Recorded outputs of large models, direct and with chain of thought, as pairs by question."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tenpapers.errors import UserError
from tenpapers.records import read_json

from ...records import AnswerKind

Row = dict[str, Any]
Choices = dict[str, list[str]]


class Recorded(NamedTuple):
    """One recorded answer; `raw` is the question as it was asked, with its options."""

    raw: str
    gold: str
    response: str
    prediction: str


class Task(NamedTuple):
    """What a log does not say of its task: category, kind of the answers, options of all items."""

    category: str
    kind: AnswerKind
    options: tuple[str, ...] = ()


MATH, COMMON, SYMBOLS = "math", "commonsense reasoning", "symbolic & algorithmic"
SPACE = "spatial & temporal reasoning"
# text-davinci-002, zero-shot, by Kojima et al.
ZERO_SHOT = {
    "addsub": Task(MATH, "number"),
    "aqua": Task(MATH, "letter"),
    "coin_flip": Task(SYMBOLS, "text_choice", ("yes", "no")),
    "commonsensqa": Task(COMMON, "letter"),
    "date_understanding": Task(SPACE, "letter"),
    "gsm8k": Task(MATH, "number"),
    "last_letters": Task(SYMBOLS, "text"),
    "multiarith": Task(MATH, "number"),
    "shuffled_objects": Task(SYMBOLS, "letter"),
    "singleeq": Task(MATH, "number"),
    "strategyqa": Task(COMMON, "text_choice", ("yes", "no")),
    "svamp": Task(MATH, "number"),
}
# code-davinci-002, few-shot, by Suzgun et al.; BIG-Bench Hard's questions hold their options.
BIG_BENCH_HARD = {
    "boolean_expressions": Task(SYMBOLS, "text_choice", ("True", "False")),
    "causal_judgement": Task(COMMON, "text_choice"),
    "date_understanding": Task(SPACE, "letter"),
    "disambiguation_qa": Task("meta-linguistic", "letter"),
    "dyck_languages": Task(SYMBOLS, "text"),
    "formal_fallacies": Task("logical reasoning", "text_choice"),
    "geometric_shapes": Task(SPACE, "letter"),
    "hyperbaton": Task("meta-linguistic", "letter"),
    "logical_deduction_five_objects": Task("logical reasoning", "letter"),
    "logical_deduction_seven_objects": Task("logical reasoning", "letter"),
    "logical_deduction_three_objects": Task("logical reasoning", "letter"),
    "movie_recommendation": Task("encyclopedic knowledge", "letter"),
    "multistep_arithmetic_two": Task(MATH, "number"),
    "navigate": Task(SPACE, "text_choice"),
    "object_counting": Task(SYMBOLS, "number"),
    "penguins_in_a_table": Task("context-aware QA", "letter"),
    "reasoning_about_colored_objects": Task(SYMBOLS, "letter"),
    "ruin_names": Task("other", "letter"),
    "salient_translation_error_detection": Task("text classification", "letter"),
    "snarks": Task("text classification", "letter"),
    "sports_understanding": Task(COMMON, "text_choice", ("yes", "no")),
    "temporal_sequences": Task(SPACE, "letter"),
    "tracking_shuffled_objects_five_objects": Task(SYMBOLS, "letter"),
    "tracking_shuffled_objects_seven_objects": Task(SYMBOLS, "letter"),
    "tracking_shuffled_objects_three_objects": Task(SYMBOLS, "letter"),
    "web_of_lies": Task("logical reasoning", "text_choice", ("Yes", "No")),
    "word_sorting": Task(SYMBOLS, "text"),
}
_LOGGED = re.compile(
    r"^\d+st data\n\d+_th_sampling\nQ: (?P<raw>.*?)\nA: (?P<response>.*?)\npred_before : .*?\n"
    r"pred_after : .*?\npred_list : [^\n]*\npred_mode : (?P<prediction>[^\n]*)\n"
    r"GT : (?P<gold>[^\n]*)\n\*+$",
    re.DOTALL | re.MULTILINE,
)
_BEGUN = re.compile(r"^\d+st data$", re.MULTILINE)
_OPTION = re.compile(r"\(([A-Z])\) (.*?)\s*(?=\([A-Z]\) |\Z)", re.DOTALL)


def zero_shot_pairs(task: str, direct: Path, cot: Path) -> list[Row]:
    """Pairs of one task, from its two text logs."""
    about = ZERO_SHOT[task]
    shared = {
        "source": "zero_shot_cot",
        "task": task,
        "model": "text-davinci-002",
        "shots": "zero",
        "category": about.category,
        "answer_kind": about.kind,
    }
    rows = []
    for name, left, right in _paired(task, read_log(direct), read_log(cot)):
        stem, options = left.raw, _listed(about.options)
        if about.kind == "letter":
            stem, _, listed = left.raw.partition("Answer Choices:")
            options = _lettered(listed)
        question = {"question": stem.strip(), "choices": options, "gold": left.gold}
        rows.append({"id": f"kojima-{name}"} | shared | question | _verdicts(left, right))
    return rows


def few_shot_pairs(task: str, direct: Path, cot: Path) -> list[Row]:
    """Pairs of one task of BIG-Bench Hard, from its two files of outputs."""
    about = BIG_BENCH_HARD[task]
    canary = read_json(direct)["canary"]
    shared = {
        "source": "big_bench_hard",
        "task": task,
        "model": "code-davinci-002",
        "shots": "few",
        "category": about.category,
        "answer_kind": about.kind,
    }
    rows = []
    left_answers = read_outputs(direct, cot=False)
    for name, left, right in _paired(task, left_answers, read_outputs(cot, cot=True)):
        stem, _, listed = left.raw.partition("\nOptions:\n")
        options, gold = _listed(about.options), left.gold
        if about.kind == "letter":
            options = _lettered(listed)
            gold = gold[1:-1] if re.fullmatch(r"\([A-Z]\)", gold) else gold
        elif listed:
            options = _listed([line.removeprefix("- ").strip() for line in listed.splitlines()])
        question = {"question": stem.strip(), "choices": options, "gold": gold}
        verdicts = _verdicts(left, right)
        rows.append({"id": f"bbh-{name}"} | shared | question | verdicts | {"canary": canary})
    return rows


def read_log(file: Path) -> list[Recorded]:
    """Answers of a text log.

    Raises
    ------
    UserError : no answers in it, or some that cannot be told apart.
    """
    text = file.read_text(encoding="utf-8")
    found = [
        Recorded(one["raw"], one["gold"], one["response"], one["prediction"])
        for one in _LOGGED.finditer(text)
    ]
    logged = len(_BEGUN.findall(text))
    if not found or len(found) != logged:
        raise UserError(f"{file}: no log of answers: {len(found)} of {logged} can be read")
    return found


def read_outputs(file: Path, *, cot: bool) -> Iterator[Recorded]:
    """Answers of a file of outputs; the prompt's last question is the one that was asked.

    Parameters
    ----------
    cot : the answer is what follows "the answer is", without the full stop.
    """
    for output in read_json(file)["outputs"]:
        raw = output["input"].rpartition("\nQ: ")[2].rpartition("\nA:")[0]
        prediction = output["prediction"]
        if cot:
            last = prediction.rpartition("the answer is ")[2].strip().partition("\n")[0]
            prediction = last.strip().removesuffix(".")
        yield Recorded(raw, output["target"], output["prediction"], prediction)


def _paired(
    task: str, direct: Iterable[Recorded], cot: Iterable[Recorded]
) -> Iterator[tuple[str, Recorded, Recorded]]:
    """Both answers to each question, with a name for it; what only one side has is left out."""
    other = dict(_named(task, cot))
    for name, answer in _named(task, direct):
        if name in other:
            yield name, answer, other[name]


def _named(task: str, answers: Iterable[Recorded]) -> Iterator[tuple[str, Recorded]]:
    """Name questions by hash; one that was asked before gets its number."""
    seen: Counter[str] = Counter()
    for answer in answers:
        content = f"{task}{' '.join(answer.raw.split())}"
        name = f"{task}-{hashlib.sha1(content.encode()).hexdigest()[:10]}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}", answer


def _verdicts(direct: Recorded, cot: Recorded) -> Row:
    return {
        "direct_response": direct.response,
        "cot_response": cot.response,
        "logged_direct_pred": direct.prediction,
        "logged_cot_pred": cot.prediction,
        "logged_direct_correct": direct.prediction == direct.gold,
        "logged_cot_correct": cot.prediction == cot.gold,
    }


def _listed(texts: Iterable[str]) -> Choices | None:
    options = list(texts)
    return {"label": list("ABCDEF"[: len(options)]), "text": options} if options else None


def _lettered(text: str) -> Choices:
    found = _OPTION.findall(text)
    return {"label": [label for label, _ in found], "text": [option for _, option in found]}
