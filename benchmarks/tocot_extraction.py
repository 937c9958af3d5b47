"""Extraction of answers: ours against the authors' parser, on chat answers of 2 kB.

    python benchmarks/tocot_extraction.py [--official CHECKOUT]

The chat answers are a seeded text of 2 kB with markdown before each of 24 ways to end it. CHECKOUT
is a clone of the official code (`paper.yaml` has repository and commit; its own requirements must
be installed); it is not ours to ship. Prints microseconds a response, the ratio, and how many
answers each of them finds. With the published data also the rate on the recorded responses.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tenpapers import data
from timing import clock
from tocot.extraction.extract import extract
from tocot.records import Choices, PublicItem, Replay, read_rows

OPTIONS = Choices(label=tuple("ABCD"), text=("mitosis", "meiosis", "osmosis", "diffusion"))
WORDS = ("the", "of", "energy", "membrane", "because", "water", "considers", "rate", "therefore")
# All of them commit to B.
ENDINGS = (
    "Answer: B",
    "**Answer: B**",
    "The best answer is B.",
    "**The best answer is B.**",
    "The correct answer is **B**.",
    "The correct answer is **B) meiosis**.",
    "So the answer is (B).",
    "The answer is B because the others fail.",
    "Therefore, B is correct.",
    "### Final Answer\n\nB",
    "**Final Answer:**\n\n**B. meiosis**",
    "$\\boxed{B}$",
    "\\boxed{\\text{B}}",
    "<answer>B</answer>",
    "**B**",
    "B. meiosis",
    "I would go with B.",
    "Final choice -> B",
    "The answer is meiosis.",
    "The answer is not A but B.",
    "The answer is A. Wait, no, it's B.",
    '{"answer": "B"}',
    "Solution: B",
    "Thus, the correct option is **B: meiosis**.",
)
ROUNDS = 20
Reader = Callable[[str], Any]


def chat_answers() -> list[str]:
    """A text of 2 kB with markdown before each ending."""
    rng = np.random.default_rng(0)

    def words(count: int) -> str:
        return " ".join(rng.choice(WORDS, count)).capitalize() + "."

    def body() -> str:
        options = [f"- **Option {label}**: {words(35)}" for label in OPTIONS.label]
        parts = ["Let us go **step by step**.", "### Step 1: the question", words(60), *options]
        parts += ["### Step 2: compare", words(60), "We have $x = 3 + 4 = 7$ and `y = 2`."]
        return "\n\n".join([*parts, "### Conclusion", words(20)])

    return [f"{body()}\n\n{ending}" for ending in ENDINGS]


def measured(read: Reader, texts: list[str]) -> tuple[float, int]:
    """Microseconds a text, each one's best round (the machine may be busy); how many give B."""
    right = sum(read(text) == "B" for text in texts)
    best = [min(clock(partial(read, text))[1] for _ in range(ROUNDS)) for text in texts]
    return 1e6 * sum(best) / len(texts), right


def official(checkout: Path) -> Reader:
    """The authors' parser of multiple choice, as it is called on one response."""
    sys.path.insert(0, str(checkout))
    from eval_datasets.types.csqa import CSQADataset

    example = {"choices": OPTIONS.model_dump(), "answer": "meiosis", "answerKey": "B"}
    return lambda text: CSQADataset.evaluate_response([text], example)[0]["model_answer"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", type=Path, metavar="CHECKOUT")
    checkout = parser.parse_args().official
    texts = chat_answers()
    item = PublicItem(id="1", answer_kind="letter", choices=OPTIONS)
    ours, right = measured(lambda text: extract(text, item).answer, texts)
    length = sum(map(len, texts)) / len(texts)
    print(f"{len(texts)} chat answers of {length:.0f} characters")
    print(f"ours: {ours:.0f} us, {right} of {len(texts)} found")
    if checkout:
        theirs, found = measured(official(checkout), texts)
        print(f"official: {theirs:.0f} us, {found} of {len(texts)} found")
        print(f"ratio: {theirs / ours:.1f}")
    if folder := data.folder("tocot"):
        rows = [row for file in (folder / "replay").glob("*.gz") for row in read_rows(file, Replay)]
        recorded = [
            (text, row.public())
            for row in rows
            for text in (row.direct_response, row.cot_response)
            if text is not None
        ]
        seconds = sum(
            min(clock(partial(extract, text, public))[1] for _ in range(3))
            for text, public in recorded
        )
        print(f"recorded responses: {len(recorded) / seconds:.0f} a second")


if __name__ == "__main__":
    main()
