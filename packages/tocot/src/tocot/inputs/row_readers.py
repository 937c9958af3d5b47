"""How the rows of each data set become task items."""

import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..records import Choices, TaskItem
from .task_registry import TaskSpec

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Row = Mapping[str, Any]
GPQA_SEED = 1  # options are shuffled once


class SkippedRowError(Exception):
    """A row that the task leaves out."""


def _item(
    spec: TaskSpec,
    number: int,
    question: str,
    gold: str | list[str],
    *,
    choices: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    name: str | None = None,
    context: str | None = None,
    **meta: Any,
) -> TaskItem:
    options = None
    if choices is not None:
        names = tuple(labels) if labels else tuple(LETTERS[: len(choices)])
        options = Choices(label=names, text=tuple(map(str, choices)))
    return TaskItem(
        id=name or f"{spec.name}-{number}",
        task=spec.name,
        question=question.strip(),
        context=context,
        choices=options,
        answer_kind=spec.kind,
        gold=gold,
        meta=meta,
    )


def _csqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    question = row["question"]
    if isinstance(question, str):  # the hub's form
        labels, texts = row["choices"]["label"], row["choices"]["text"]
        stem = question
    else:
        labels = [one["label"] for one in question["choices"]]
        texts = [one["text"] for one in question["choices"]]
        stem = question["stem"]
    return [
        _item(
            spec, number, stem, row["answerKey"], choices=texts, labels=labels, name=row.get("id")
        )
    ]


def _strategyqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    gold = "A" if row["answer"] else "B"
    return [
        _item(
            spec,
            number,
            row["question"],
            gold,
            choices=["True", "False"],
            name=f"stratqa-{row.get('qid', number)}",
        )
    ]


def _siqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    texts = [row["answerA"], row["answerB"], row["answerC"]]
    return [
        _item(
            spec,
            number,
            row["question"],
            LETTERS[int(row["label"]) - 1],
            choices=texts,
            context=row["context"],
        )
    ]


def _piqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    return [
        _item(
            spec,
            number,
            row["goal"],
            LETTERS[int(row["label"])],
            choices=[row["sol1"], row["sol2"]],
        )
    ]


def _winogrande(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    return [
        _item(
            spec,
            number,
            row["sentence"],
            LETTERS[int(row["answer"]) - 1],
            choices=[row["option1"], row["option2"]],
        )
    ]


def _arc(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    labels = row["choices"]["label"]
    gold = LETTERS[labels.index(row["answerKey"])]
    return [
        _item(
            spec, number, row["question"], gold, choices=row["choices"]["text"], name=row.get("id")
        )
    ]


def _mmlu(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    return [
        _item(
            spec,
            number,
            row["question"],
            LETTERS[int(row["answer"])],
            choices=row["choices"],
            subject=row.get("subject", ""),
        )
    ]


def _mmlu_pro(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    return [
        _item(
            spec,
            number,
            row["question"],
            row["answer"],
            choices=row["options"],
            subject=row.get("category", ""),
            rationale=row.get("cot_content", "").removeprefix("A: "),
        )
    ]


_OPTION = re.compile(r"\(([A-J])\)\s*(.*?)\s*(?=\([A-J]\)|\Z)", re.DOTALL)


def _mmlu_dev(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Question with its options inside, answer at the end of a rationale; or the hub's rows."""
    if "target" not in row:
        return _mmlu(spec, row, number)
    stem, _, tail = row["question"].partition("\n(A)")
    options = _OPTION.findall(f"(A){tail}")
    hit = re.search(r"answer is \(([A-J])\)", row["target"])
    if hit is None or hit.group(1) not in [label for label, _ in options]:
        raise SkippedRowError
    return [
        _item(
            spec,
            number,
            stem,
            hit.group(1),
            choices=[text for _, text in options],
            name=f"mmlu-{row['subject']}-{row['index']}",
            subject=row["subject"],
            rationale=row["target"],
        )
    ]


_HUB_LSAT = re.compile(r"\A(.*?)\s*Q: (.*?)\s*Answer Choices:", re.DOTALL)


def _agieval(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """AGIEval's own rows; on the hub a query holds passage and question, gold counts from 0."""
    if "query" in row:
        passage, question = _HUB_LSAT.findall(row["query"])[0]
        label = LETTERS[int(row["gold"][0])]
        row = {"options": row["choices"], "label": label, "passage": passage, "question": question}
    options = row["options"]
    labels = [str(one)[1:2] for one in options]
    if labels != list(LETTERS[: len(options)]):
        raise SkippedRowError
    texts = [re.sub(r"^\([A-Z]\)\s*", "", str(one)) for one in options]
    name = f"{spec.name}-{row.get('idx', number)}"
    return [
        _item(
            spec,
            number,
            row["question"],
            row["label"],
            choices=texts,
            name=name,
            context=row.get("passage"),
        )
    ]


def _musr(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The local form has several questions a story; the hub's has one."""
    if "questions" in row:
        return [
            _item(
                spec,
                number,
                one["question"],
                LETTERS[int(one["answer"])],
                choices=one["choices"],
                name=f"{row['id']}-{place}",
                context=row["context"],
                story_id=row["id"],
            )
            for place, one in enumerate(row["questions"])
        ]
    choices = row["choices"]
    if isinstance(choices, str):
        import ast

        choices = ast.literal_eval(choices)
    return [
        _item(
            spec,
            number,
            row["question"],
            LETTERS[int(row["answer_index"])],
            choices=choices,
            context=row["narrative"],
        )
    ]


def _folio(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    gold = {"True": "A", "False": "B", "Unknown": "C", "Uncertain": "C"}[str(row["label"])]
    return [
        _item(
            spec,
            number,
            f"Is this true, false or unknown: {row['conclusion']}",
            gold,
            choices=["True", "False", "Unknown"],
            name=f"folio-{row.get('example_id', number)}",
            context=row["premises"],
            story_id=row.get("story_id"),
            premises=row.get("premises-FOL", ""),
            conclusion=row.get("conclusion-FOL", ""),
        )
    ]


def _contexthub(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    gold = {"True": "A", "False": "B", "N/A": "C"}[row["gold"]]
    return [
        _item(
            spec,
            number,
            row["question"],
            gold,
            choices=["True", "False", "N/A"],
            name=row["id"],
            level=row["level"],
            root=row.get("root"),
            domain=row.get("domain", ""),
            abstract=row["abstract"],
            rationale=row.get("gold_cot", ""),
        )
    ]


def _gsm8k(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    rationale, _, gold = row["answer"].rpartition("####")
    plain = re.sub(r"<<[^<>]*>>", "", rationale).strip()
    return [_item(spec, number, row["question"], gold.strip().replace(",", ""), rationale=plain)]


def _gsm_hard(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    name = f"gsm8k_hard-{row.get('idx', number)}"
    return [
        _item(
            spec,
            number,
            row["input"],
            repr(float(row["target"])),
            name=name,
            code=row.get("code", ""),
        )
    ]


def _math(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    if "problem" in row:
        boxed = re.findall(r"\\boxed\{(.*)\}", row["solution"])
        return [
            _item(
                spec,
                number,
                row["problem"],
                boxed[-1],
                level=row.get("level", ""),
                type=row.get("type", ""),
            )
        ]
    return [
        _item(spec, number, row["question"], row["answer"], name=f"math-{row.get('idx', number)}")
    ]


def _gpqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    texts = [row["Correct Answer"], *(row[f"Incorrect Answer {n}"] for n in (1, 2, 3))]
    seed = [GPQA_SEED, zlib.crc32(row["Question"].encode())]
    order = np.random.default_rng(seed).permutation(4).tolist()
    return [
        _item(
            spec,
            number,
            row["Question"],
            LETTERS[order.index(0)],
            choices=[texts[place].strip() for place in order],
            subject=row.get("High-level domain", ""),
            rationale=row.get("Explanation", ""),
        )
    ]


_FREE_BBH = {"dyck_languages", "multistep_arithmetic_two", "object_counting", "word_sorting"}


def _bbh(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Options stand in the question; four subsets have a free answer, others yes or no."""
    text, target = row["input"], str(row["target"]).strip()
    subset = row.get("subset", row.get("task", ""))
    name = f"bbh-{subset}-{number}" if subset else None
    stem, found, tail = text.partition("Options:")
    options = _OPTION.findall(tail) if found else []
    if options:
        return [
            _item(
                spec,
                number,
                stem,
                target.strip("()"),
                choices=[one for _, one in options],
                name=name,
                subset=subset,
            )
        ]
    for pair in (("True", "False"), ("Yes", "No"), ("yes", "no"), ("valid", "invalid")):
        if target in pair and subset not in _FREE_BBH:
            return [
                _item(
                    spec,
                    number,
                    text,
                    LETTERS[pair.index(target)],
                    choices=pair,
                    name=name,
                    subset=subset,
                )
            ]
    kind = "number" if re.fullmatch(r"-?\d+", target) else "text"
    free = spec.model_copy(update={"kind": kind})
    return [_item(free, number, text, target, name=name, subset=subset)]


def _musique(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    from ..scoring.grade import UNANSWERABLE

    answerable = bool(row.get("answerable", True))
    supporting = [one for one in row["paragraphs"] if one.get("is_supporting")]
    if not answerable:
        supporting = list(row["paragraphs"])[:3]
    context = "\n\n".join(f"{one['title']}: {one['paragraph_text']}" for one in supporting)
    gold = [row["answer"], *row.get("answer_aliases", [])] if answerable else [UNANSWERABLE]
    return [_item(spec, number, row["question"], gold, name=row.get("id"), context=context)]


_DROPPED_CAPABILITIES = {"multilingual", "tool_usage"}
_DROPPED_TASKS = {
    "competition_mwp",
    "hypothesis_proposal",
    "high_school_mwp",
    "first_order_logic",
    "table_reason",
    "revision_with_tools",
    "rationale_revision",
    "llm_judge_absolute",
    "llm_judge_relative",
    "faux_pas_explanation",
    "faithful_explanation",
    "false_context",
    "role_playing",
}


def _biggen(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    if row["capability"] in _DROPPED_CAPABILITIES or row["task"] in _DROPPED_TASKS:
        raise SkippedRowError
    if re.search(r"step[- ]by[- ]step", row["input"], re.IGNORECASE):
        raise SkippedRowError
    return [
        _item(
            spec,
            number,
            row["input"],
            str(row.get("reference_answer", "")),
            name=row.get("id"),
            context=row.get("system_prompt"),
            rubric=json.dumps(row.get("score_rubric", {})),
            capability=row["capability"],
        )
    ]


READERS: dict[str, Callable[[TaskSpec, Row, int], list[TaskItem]]] = {
    "csqa": _csqa,
    "stratqa": _strategyqa,
    "siqa": _siqa,
    "piqa": _piqa,
    "winogrande": _winogrande,
    "arc_easy": _arc,
    "arc_challenge": _arc,
    "mmlu": _mmlu,
    "mmlu_dev": _mmlu_dev,
    "mmlu_pro": _mmlu_pro,
    "lsat": _agieval,
    "musr": _musr,
    "folio": _folio,
    "contexthub": _contexthub,
    "gsm8k": _gsm8k,
    "gsm8k_hard": _gsm_hard,
    "math": _math,
    "gpqa": _gpqa,
    "bbh": _bbh,
    "musique_all": _musique,
    "biggen_bench": _biggen,
}
