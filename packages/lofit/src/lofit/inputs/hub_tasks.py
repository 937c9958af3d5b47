"""The tasks of the PEFT comparison and of the retention study, from the hub (4.4; extra `hub`)."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from tenpapers.errors import UserError

from ..records import SFTExample

LETTERS = "ABCDEFGH"
TRAIN_SIZE = 350  # the exact sizes of the paper are not confirmed
TEST_SIZE = 1000


def _options(question: str, choices: list[str]) -> str:
    lines = "\n".join(f"({letter}) {text}" for letter, text in zip(LETTERS, choices, strict=False))
    return f"{question}\n{lines}\nAnswer:"


def _siqa(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    choices = [row["answerA"], row["answerB"], row["answerC"]]
    prompt = _options(f"{row['context']} {row['question']}", choices)
    return prompt, (LETTERS[int(row["label"]) - 1],)


def _arc(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    labels = row["choices"]["label"]
    prompt = _options(row["question"], row["choices"]["text"])
    return prompt, (LETTERS[labels.index(row["answerKey"])],)


def _boolq(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    prompt = f"{row['passage']}\nQuestion: {row['question']}? Answer yes or no.\nAnswer:"
    return prompt, ("yes" if row["answer"] else "no",)


def _svamp(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    number = float(row["Answer"])
    text = str(int(number)) if number.is_integer() else str(number)
    body = row["Body"].rstrip()
    body = body if body.endswith((".", "?", "!")) else f"{body}."
    return f"{body} {row['Question']}\nAnswer:", (text,)


def _trivia(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    answer = row["answer"]
    return f"Q: {row['question']}\nA:", (answer["value"], *answer["aliases"])


def _natural(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return f"Q: {row['question']}?\nA:", tuple(row["answer"])


def _mmlu(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return _options(row["question"], row["choices"]), (LETTERS[int(row["answer"])],)


# name: (hub id, configuration, split of each part, row -> prompt and right answers)
_SETS: dict[str, tuple[str, str | None, dict[str, str], Callable[..., Any]]] = {
    "siqa": ("allenai/social_i_qa", None, {"train": "train", "test": "validation"}, _siqa),
    "arc": (
        "allenai/ai2_arc",
        "ARC-Challenge",
        {"train": "train", "val": "validation", "test": "test"},
        _arc,
    ),
    "boolq": ("google/boolq", None, {"train": "train", "test": "validation"}, _boolq),
    "svamp": ("ChilleD/SVAMP", None, {"train": "train", "test": "test"}, _svamp),
    "triviaqa": ("mandarjoshi/trivia_qa", "rc.nocontext", {"test": "validation"}, _trivia),
    "nq": ("google-research-datasets/nq_open", None, {"test": "validation"}, _natural),
    "mmlu": ("cais/mmlu", "all", {"test": "test"}, _mmlu),
}
NAMES = tuple(_SETS)


def convert(name: str, rows: Any, part: str) -> list[SFTExample]:
    """Turn published rows into examples whose completion is a letter, yes or no, or a number."""
    made = []
    for number, row in enumerate(rows):
        prompt, answers = _SETS[name][3](row)
        made.append(
            SFTExample(
                id=f"{part}-{number}", prompt=prompt, completion=f" {answers[0]}", answers=answers
            )
        )
    return made


def load(name: str, *, seed: int = 42) -> dict[str, list[SFTExample]]:
    """Load a set; the test part is cut to 1,000 rows drawn by seed.

    Raises
    ------
    UserError : `datasets` is not installed, or the hub cannot be reached.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise UserError(f"--task {name} needs `datasets`", "pip install 'lofit[hub]'") from None
    hub_id, configuration, splits, _ = _SETS[name]
    parts: dict[str, list[SFTExample]] = {"train": [], "val": [], "test": []}
    for part, split in splits.items():
        try:
            rows = load_dataset(hub_id, configuration, split=split).shuffle(seed=seed)
        except (OSError, ValueError, ConnectionError) as error:
            raise UserError(
                f"{hub_id}: {str(error).splitlines()[0]}", "is the hub reachable?"
            ) from (None)
        parts[part] = convert(name, islice(rows, TEST_SIZE if part == "test" else None), part)
    return parts
