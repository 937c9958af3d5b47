"""The tasks of the PEFT comparison and of the retention study, from the hub (extra `hub`)."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from tenpapers.errors import UserError, first_line
from tenpapers.paper import load_paper

from ..records import SFTExample

LETTERS = "ABCDEFGH"
TRAIN_SIZE = 350  # the exact sizes of the paper are not confirmed
TEST_SIZE = 1000

Answered = tuple[str, tuple[str, ...]]  # a prompt and its right answers


def _options(question: str, choices: list[str]) -> str:
    lines = "\n".join(f"({letter}) {text}" for letter, text in zip(LETTERS, choices, strict=False))
    return f"{question}\n{lines}\nAnswer:"


def _siqa(row: dict[str, Any]) -> Answered:
    choices = [row["answerA"], row["answerB"], row["answerC"]]
    prompt = _options(f"{row['context']} {row['question']}", choices)
    return prompt, (LETTERS[int(row["label"]) - 1],)


def _arc(row: dict[str, Any]) -> Answered:
    labels = row["choices"]["label"]
    prompt = _options(row["question"], row["choices"]["text"])
    return prompt, (LETTERS[labels.index(row["answerKey"])],)


def _boolq(row: dict[str, Any]) -> Answered:
    prompt = f"{row['passage']}\nQuestion: {row['question']}? Answer yes or no.\nAnswer:"
    return prompt, ("yes" if row["answer"] else "no",)


def _svamp(row: dict[str, Any]) -> Answered:
    number = float(row["Answer"])
    text = str(int(number)) if number.is_integer() else str(number)
    body = row["Body"].rstrip()
    body = body if body.endswith((".", "?", "!")) else f"{body}."
    return f"{body} {row['Question']}\nAnswer:", (text,)


def _trivia(row: dict[str, Any]) -> Answered:
    answer = row["answer"]
    return f"Q: {row['question']}\nA:", (answer["value"], *answer["aliases"])


def _natural(row: dict[str, Any]) -> Answered:
    return f"Q: {row['question']}?\nA:", tuple(row["answer"])


def _mmlu(row: dict[str, Any]) -> Answered:
    return _options(row["question"], row["choices"]), (LETTERS[int(row["answer"])],)


class _HubSet(NamedTuple):
    """A published set: its id, configuration, split of each of our parts, reader of a row."""

    hub_id: str
    configuration: str | None
    splits: dict[str, str]
    read: Callable[[dict[str, Any]], Answered]


_SETS = {
    "siqa": _HubSet("allenai/social_i_qa", None, {"train": "train", "test": "validation"}, _siqa),
    "arc": _HubSet(
        "allenai/ai2_arc",
        "ARC-Challenge",
        {"train": "train", "val": "validation", "test": "test"},
        _arc,
    ),
    "boolq": _HubSet("google/boolq", None, {"train": "train", "test": "validation"}, _boolq),
    "svamp": _HubSet("ChilleD/SVAMP", None, {"train": "train", "test": "test"}, _svamp),
    "triviaqa": _HubSet("mandarjoshi/trivia_qa", "rc.nocontext", {"test": "validation"}, _trivia),
    "nq": _HubSet("google-research-datasets/nq_open", None, {"test": "validation"}, _natural),
    "mmlu": _HubSet("cais/mmlu", "all", {"test": "test"}, _mmlu),
}
NAMES = tuple(_SETS)


def convert(name: str, rows: Iterable[dict[str, Any]], part: str) -> list[SFTExample]:
    """Turn published rows into examples whose completion is a letter, yes or no, or a number."""
    examples = []
    for number, row in enumerate(rows):
        prompt, answers = _SETS[name].read(row)
        examples.append(
            SFTExample(
                id=f"{part}-{number}", prompt=prompt, completion=f" {answers[0]}", answers=answers
            )
        )
    return examples


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
    published = _SETS[name]
    revision = load_paper("lofit").revision(published.hub_id)
    parts: dict[str, list[SFTExample]] = {"train": [], "val": [], "test": []}
    for part, split in published.splits.items():
        try:
            whole = load_dataset(
                published.hub_id, published.configuration, split=split, revision=revision
            )
        except (OSError, ValueError, ConnectionError) as error:
            raise UserError(
                f"{published.hub_id}: {first_line(error)}", "is the hub reachable?"
            ) from None
        rows = whole.shuffle(seed=seed)
        parts[part] = convert(name, islice(rows, TEST_SIZE if part == "test" else None), part)
    return parts
