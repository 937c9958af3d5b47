import pytest
from cfr.records import Passage, Training
from cfr.retrieval.encoder import Encoder

from ..retrieval.conftest import make_checkpoint

WORDS = ["vaccine", "mice", "fetal", "tissue", "trump", "oil", "prices", "rose"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Folder of a random BERT of two layers."""
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "bert")


@pytest.fixture
def encoder(tiny):
    return Encoder.load(str(tiny))


def passage(pid, text):
    return Passage(pid=pid, text=text)


def training_rows(n=8, per_claim=1):
    """Queries about a word, whose positive has that word twice and whose negatives have others."""
    rows = []
    for number in range(n):
        word, other = WORDS[number % 8], WORDS[(number + 3) % 8]
        rows.append(
            Training(
                qid=f"{number // per_claim}:{number % per_claim}",
                claim=f"the {WORDS[(number // per_claim) % 8]} fell",
                question=f"was the {word} tested",
                positives=[passage(f"p{word}", f"the {word} {word} was praised")],
                negatives=[
                    passage(f"n{word}", f"{other} contains no {other}"),
                    passage(f"m{word}", f"in {other} the {WORDS[(number + 5) % 8]} fell"),
                ],
                signals={f"p{word}": ["gold"]},
            )
        )
    return rows
